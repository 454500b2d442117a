// One task at a time, the latest: a newer one ends it.

/** Returns a function that runs tasks; the element is busy meanwhile. Errors go to onError, but not those of an ended task. */
export function latest(element, onError) {
  let running = new AbortController();
  return async (task) => {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    element.ariaBusy = "true";
    try {
      await task(signal);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    if (!signal.aborted) element.ariaBusy = "false";
  };
}
