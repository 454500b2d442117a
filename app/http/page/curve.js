// The path of a curve through points on the screen, as SVG writes it.

/** Straight lines from point to point. */
const straight = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join("");

/** Cubic curves that rise and fall only where the points do (M. Steffen, Astronomy and Astrophysics 239, 1990). */
function smooth(points) {
  if (points.length < 3) return straight(points);
  const slopes = slopesAt(points);
  return points
    .map(([x, y], index) => {
      if (!index) return `M${x} ${y}`;
      const [x0, y0] = points[index - 1];
      const third = (x - x0) / 3;
      return `C${x0 + third} ${y0 + slopes[index - 1] * third} ${x - third} ${y - slopes[index] * third} ${x} ${y}`;
    })
    .join("");
}

function slopesAt(points) {
  const steps = points.slice(1).map(([x, y], index) => [x - points[index][0], y - points[index][1]]);
  const secants = steps.map(([dx, dy]) => dy / dx);
  const inner = secants.slice(1).map((after, index) => {
    const before = secants[index];
    const [[left], [right]] = [steps[index], steps[index + 1]];
    const parabola = (before * right + after * left) / (left + right);
    return (Math.sign(before) + Math.sign(after)) * Math.min(Math.abs(before), Math.abs(after), Math.abs(parabola) / 2);
  });
  const first = (3 * secants[0] - inner[0]) / 2;
  const last = (3 * secants.at(-1) - inner.at(-1)) / 2;
  return [first, ...inner, last];
}

/**
 * A path through points whose y may be null, with gaps there and at poles, where a curve leaves the range of y at one end
 * and returns at the other. x and y map to the screen.
 */
export function path(points, x, y, isSmooth) {
  const [low, high] = y.domain;
  const side = (value) => (value > high ? 1 : value < low ? -1 : 0);
  const limit = (value) => Math.min(2 * high - low, Math.max(2 * low - high, value)); // SVG's numbers are single floats
  const parts = [[]];
  let before = 0;
  for (const [at, value] of points) {
    if (value === null || before * side(value) < 0) parts.push([]);
    if (value !== null) parts.at(-1).push([x(at), y(limit(value))]);
    before = value === null ? 0 : side(value);
  }
  return parts.map(isSmooth ? smooth : straight).join("");
}
