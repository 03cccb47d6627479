/* A formula in TeX becomes MathML, which browsers draw and read aloud by themselves: node typeset.mjs 'a \le b' [display] */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const MathJax = await require("mathjax").init({ loader: { load: ["input/tex"] } });
process.stdout.write(MathJax.tex2mml(process.argv[2], { display: process.argv[3] === "display" }));
