// The page's Python, in a worker of its own, so that an endless loop can be stopped and the page never freezes.
import { loadPyodide } from "./pyodide.mjs";
import { startPython } from "./start_python.mjs";

const here = new URL(".", import.meta.url).href;
const post = (message) => self.postMessage(message);

async function bytes(name) {
  const response = await fetch(here + name);
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response;
}

async function fromSnapshot() {
  const packed = (await bytes("snapshot.bin")).body;
  const snapshot = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return await startPython(loadPyodide, { indexURL: here }, snapshot);
}

async function start() {
  const site = bytes("site.zip").then((response) => response.arrayBuffer());
  site.catch(() => {});                                 // awaited below; a snapshot may fail first
  let snapshot = true;
  const pyodide = await fromSnapshot().catch((error) => {
    snapshot = false;
    console.info("Python starts without its snapshot:", error.message);
    return startPython(loadPyodide, { indexURL: here });
  });
  const folder = pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')");
  pyodide.unpackArchive(await site, "zip", { extractDir: folder });
  pyodide.runPython("import importlib; importlib.invalidate_caches()");
  pyodide.setStdin({ error: true });                    // input() has nobody to ask
  const python = pyodide.pyimport("page_python");
  python.connect((text) => post(JSON.parse(text)));
  post({ type: "started", snapshot });
  return python;
}

const python = start();
python.catch((error) => post({ type: "failed", reason: String(error.message ?? error) }));

self.onmessage = async ({ data }) => {
  const { run, open_widget, tell_widget } = await python;
  if (data.type === "run") post({ type: "done", cell: data.cell, ok: run(data.cell, data.source) });
  else {
    try {
      if (data.type === "open") open_widget(data.model_id, data.class_path, JSON.stringify(data.params));
      if (data.type === "tell") tell_widget(data.model_id, JSON.stringify(data.data));
    } catch (error) {
      post({ type: "widget_error", model_id: data.model_id, reason: String(error.message).trim().split("\n").pop() });
    }
  }
};
