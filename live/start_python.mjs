// Two things that Pyodide leaves to those who start it. A snapshot is restored only into memory that is large enough, and
// the memory starts with 30 MB: so it grows first. And when WebAssembly cannot be loaded, or is forbidden, Pyodide
// waits for ever: so the browser's own reason is passed on.
const PAGE = 65536;

export async function startPython(loadPyodide, options, snapshot) {
  const { instantiate, instantiateStreaming } = WebAssembly;
  try {
    return await new Promise((resolve, reject) => {
      const watched = (original) => async (...values) => {
        try {
          const made = await original.apply(WebAssembly, values);
          const memory = (made.instance ?? made).exports.memory;
          const missing = (snapshot?.byteLength ?? 0) - (memory?.buffer.byteLength ?? 0);
          if (memory && missing > 0) memory.grow(Math.ceil(missing / PAGE));
          return made;
        } catch (error) {
          reject(error);
          throw error;
        }
      };
      WebAssembly.instantiate = watched(instantiate);
      if (instantiateStreaming) WebAssembly.instantiateStreaming = watched(instantiateStreaming);
      loadPyodide(snapshot ? { ...options, _loadSnapshot: snapshot } : options).then(resolve, reject);
    });
  } finally {
    Object.assign(WebAssembly, { instantiate, instantiateStreaming });
  }
}
