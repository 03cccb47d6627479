// node make_runtime.mjs SITE OUT: compile the Python files in SITE for the page, and take a snapshot of Python with all
// of them imported, so that a page can start where the imports ended. Fails when anything that the page needs is missing.
import { loadPyodide } from "pyodide";
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { startPython } from "./start_python.mjs";

const [site, out] = process.argv.slice(2);
const core = dirname(createRequire(import.meta.url).resolve("pyodide/package.json"));
const options = { indexURL: out + "/" };
process.on("uncaughtException", (error) => { console.error(`the page's Python could not be built: ${error.message}`); process.exit(1); });

for (const name of ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"])
  copyFileSync(join(core, name), join(out, name));
const lock = JSON.parse(readFileSync(join(core, "pyodide-lock.json")));
writeFileSync(join(out, "pyodide-lock.json"), JSON.stringify({ ...lock, packages: {} }));   // nothing is fetched from elsewhere

// Compiled by the Python that runs them. Our own sources go along: tracebacks and the book show their lines.
const compiler = await loadPyodide(options);
compiler.mountNodeFS("/site", site);
writeFileSync(join(out, "site.zip"), compiler.runPython(`
import pathlib, py_compile, sysconfig, zipfile

home = sysconfig.get_path("purelib")
with zipfile.ZipFile("/site.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    def add(name, data):
        archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)      # without a date: the same on every build

    for path in sorted(pathlib.Path("/site").rglob("*")):
        name = path.relative_to("/site")
        if path.suffix == ".py":
            py_compile.compile(path, "/code.pyc", f"{home}/{name}", doraise=True,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
            code = pathlib.Path("/code.pyc").read_bytes()
            if name.parts[0] == "pfncache_edu":
                add(str(name), path.read_bytes())
                add(str(name.parent / "__pycache__" / f"{name.stem}.cpython-{sysconfig.get_python_version().replace('.', '')}.pyc"), code)
            else:
                add(str(name.with_suffix(".pyc")), code)
        elif path.is_file():
            add(str(name), path.read_bytes())
pathlib.Path("/site.zip").read_bytes()
`).toJs());

const importEverything = `
import importlib, pkgutil
import anywidget, ipywidgets, page_python, pfncache_edu

left_out = []
for module in pkgutil.walk_packages(pfncache_edu.__path__, "pfncache_edu.", onerror=lambda name: None):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        if missing.name.startswith("pfncache_edu"):
            raise
        left_out.append(f"{module.name} (needs {missing.name})")
", ".join(left_out)
`;
const archive = new Uint8Array(readFileSync(join(out, "site.zip")));
const unpack = (pyodide) => {
  pyodide.unpackArchive(archive, "zip", { extractDir: pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')") });
  pyodide.runPython("import importlib; importlib.invalidate_caches()");
};

const prepared = await loadPyodide({ ...options, _makeSnapshot: true });
unpack(prepared);
const leftOut = prepared.runPython(importEverything);
prepared.runPython("del left_out, module; import gc; gc.collect()");
const snapshot = prepared.makeMemorySnapshot();
console.log(leftOut ? `not on the page: ${leftOut}` : "every module of pfncache_edu runs on the page");

// A snapshot that cannot be restored is left out: the page then starts without one, only later.
try {
  const restored = await startPython(loadPyodide, options, snapshot);
  unpack(restored);
  restored.runPython("import pfncache_edu, page_python; assert sum(range(5)) == 10");
  writeFileSync(join(out, "snapshot.bin"), gzipSync(snapshot, { level: 9 }));
} catch (error) {
  console.log(`no snapshot, Python will start later on the page: ${error.message}`);
}
for (const name of ["pyodide.asm.wasm", "python_stdlib.zip", "site.zip", "snapshot.bin"])
  try { console.log(`${name.padEnd(18)} ${(statSync(join(out, name)).size / 1e6).toFixed(2)} MB`); } catch { /* said above */ }
process.exit(0);
