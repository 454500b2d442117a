// Requests to the service, below whatever path it is served at, with the key that this tab keeps.

const KEY = "nalu-key";

/** Where the service is, ending with a slash. */
export const root = new URL(".", location.href.split("#")[0]).href;

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
};

/** A response with an error: its message is the service's. */
export class ServiceError extends Error {
  constructor(status, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Sends a request; returns the JSON of the response. Raises ServiceError. */
export const request = async (path, options) => (await send(path, options)).json();

/** A file of the service. Raises ServiceError. */
export const fetchFile = async (path) => (await send(path)).blob();

async function send(path, options = {}) {
  const headers = { ...options.headers, ...(key.get() && { Authorization: `Bearer ${key.get()}` }) };
  let response;
  try {
    response = await fetch(root + path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0, "The service does not respond.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const message = problem.detail ?? problem.error ?? `The service answered ${response.status}.`;
  throw new ServiceError(response.status, message, Number(response.headers.get("Retry-After")));
}

/** Predicts for rows of numbers. */
export const predictRows = (model, inputs, { signal, ...options } = {}) =>
  request("predict/arithmetic", {
    method: "POST",
    signal,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: model.name, version: model.version, inputs, ...options }),
  });

/** Predicts for images: blobs or files. */
export function predictImages(model, images, { signal } = {}) {
  const form = new FormData();
  form.append("model", model.name);
  form.append("version", model.version);
  images.forEach((image, index) => form.append("files", image, image.name ?? `image-${index}.png`));
  return request("predict/image", { method: "POST", body: form, signal });
}

/** What is served: the manifests, and the state of every version folder, which needs no key. */
export const listModels = async () => (await request("models")).models;

export async function readiness() {
  const response = await fetch(`${root}health/ready`);
  return response.json();
}
