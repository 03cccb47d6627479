/* Bind the pages of the built book into one document for print. `bind` is called once, `number` after each trial print. */

const make = (html) => Object.assign(document.createElement("template"), { innerHTML: html.trim() }).content.firstElementChild;
const slugOf = (name) => name.split("/").at(-1);
const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
const textOf = (node) => node.textContent.trim().replace(/\s+/g, " ");
const pageOf = (id) => `<span class="number" data-page-of="${id}">000</span>`;

/* What paper cannot do: links to a heading itself, buttons, what only starts things, and code that the pages fold away. */
const NOT_ON_PAPER = ".headerlink, script, button, noscript, .genindex-jumpbox, details.hide, .toctree-wrapper, #index--on-these-pages, .pfn-extras";

async function bind(names, title, note) {
  const pages = await Promise.all(names.map(fetched));
  const sections = pages.map((page) => sectionOf(page, names));
  for (const section of sections) {
    section.querySelectorAll(NOT_ON_PAPER).forEach((one) => one.remove());
    section.querySelectorAll("details").forEach((one) => { one.open = true; });
    section.querySelectorAll(".toggle-hidden").forEach((one) => one.classList.remove("toggle-hidden"));
    section.querySelectorAll("pre").forEach((pre) => pre.classList.toggle("whole", pre.textContent.split("\n").length < 25));
    collectAnswers(section);
  }
  sections.filter((section) => section.querySelector(".genindextable")).forEach(numberIndex);
  document.body.append(cover(title, note), contents(sections), ...sections);
  document.head.append(footers(sections));
  sections.forEach(numberReferences);
  return sections.map((section) => textOf(section.querySelector("h1")));
}

async function fetched(name) {
  const url = new URL(name + ".html", location);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return { name, url, document: new DOMParser().parseFromString(await response.text(), "text/html") };
}

// ---- one page --------------------------------------------------------------------------------------------------------

/* A page as a section of the book: no name in it is that of another page. */
function sectionOf({ name, url, document: page }, names) {
  const slug = slugOf(name);
  const section = make(`<section class="page" id="${slug}" style="page: ${slug}"></section>`);
  section.append(...page.querySelector("article").childNodes);
  for (const one of section.querySelectorAll("*")) {
    if (one.id) one.id = `${slug}--${one.id}`;
    for (const attribute of [...one.attributes]) attribute.value = renamed(attribute, slug);
    if (one.matches("img[src]")) one.src = new URL(one.getAttribute("src"), url);
  }
  section.querySelectorAll("a[href]").forEach((link) => redirect(link, slug, url, names));
  return section;
}

function renamed({ name, value }, slug) {
  if (["for", "aria-labelledby", "aria-describedby"].includes(name)) return value.replace(/\S+/g, `${slug}--$&`);
  if (name === "xlink:href" || (name === "href" && value.startsWith("#"))) return value.replace(/^#(?=.)/, `#${slug}--`);
  return value.replace(/url\(#/g, `url(#${slug}--`);
}

/* A link leads to its place in this document, or to the web; one to a page that is not printed is only words. */
function redirect(link, slug, url, names) {
  const href = link.getAttribute("href");
  if (href.startsWith("#")) return;
  const target = new URL(href, url);
  if (target.origin !== location.origin) return;
  const name = names.find((name) => new URL(name + ".html", location).pathname === decodeURI(target.pathname));
  if (!name) return link.replaceWith(...link.childNodes);
  link.setAttribute("href", "#" + slugOf(name) + (target.hash ? "--" + target.hash.slice(1) : ""));
}

/* Answers would be read before the question: they stand at the end of the chapter, each with its page where it was asked. */
function collectAnswers(section) {
  const answers = [...section.querySelectorAll(".dropdown.admonition")];
  if (!answers.length) return;
  const end = make(`<section><h2 id="${section.id}--answers">Answers</h2></section>`);
  answers.forEach((answer, place) => {
    const title = answer.querySelector(".admonition-title");
    const [there, here] = [`${section.id}--answer-at-${place}`, `${section.id}--asked-at-${place}`];
    answer.replaceWith(make(`<p class="answer-at" id="${here}"><a href="#${there}">${escaped(textOf(title))}: page ${pageOf(there)}</a></p>`));
    answer.classList.remove("dropdown");
    answer.id = there;
    title.innerHTML = `<a href="#${here}">${title.innerHTML} <span class="asked">to page ${pageOf(here)}</span></a>`;
    end.append(answer);
  });
  (section.querySelector(":scope > section") ?? section).append(end);
}

/* A reference to another page of the book says on which page of the paper it begins. */
function numberReferences(section) {
  for (const link of section.querySelectorAll("a.internal[href^='#']")) {
    const id = link.getAttribute("href").slice(1);
    if (link.querySelector(".doc, .std-doc") && id !== section.id) link.insertAdjacentHTML("afterend", `<span class="page-of"> (page ${pageOf(id)})</span>`);
  }
}

/* The index: every entry with the pages where it is found, in columns. */
function numberIndex(section) {
  for (const table of section.querySelectorAll(".genindextable")) {
    const list = make('<ul class="paper-index"></ul>');
    list.append(...table.querySelectorAll("li"));
    table.replaceWith(list);
    for (const link of list.querySelectorAll("a[href^='#']")) {
      const again = /^\[\d+\]$/.test(textOf(link)), id = link.getAttribute("href").slice(1);
      link.innerHTML = again ? pageOf(id) : `${link.innerHTML} ${pageOf(id)}`;
    }
  }
}

// ---- before the pages ------------------------------------------------------------------------------------------------

function cover(title, note) {
  return make(`<section class="cover" style="page: cover"><p class="title">${escaped(title)}</p>
    <p class="subtitle">How a hypervisor keeps one page of a guest at hand, and lets go of it in time, without making everybody wait</p>${note}</section>`);
}

/* Each page, and those of its sections that it does not share with the others. */
function contents(sections) {
  const headings = sections.map((section) => [...section.querySelectorAll("h2")].filter((heading) => textOf(heading).length > 1));
  const times = Object.groupBy(headings.flat(), textOf);
  const list = sections.map((section, place) => {
    const own = headings[place].filter((heading) => times[textOf(heading)].length === 1 && !section.querySelector(".pfn-claims"));
    const lines = own.map((heading) => line(heading.closest("section[id]")?.id ?? section.id, heading)).join("");
    return line(section.id, section.querySelector("h1"), lines && `<ol>${lines}</ol>`);
  });
  return make(`<nav class="front" style="page: contents" id="contents"><h1>Contents</h1><ol>${list.join("")}</ol></nav>`);
}

function line(id, heading, more = "") {
  return `<li><a href="#${id}"><span class="words">${escaped(textOf(heading))}</span>${pageOf(id)}</a>${more}</li>`;
}

/* At the foot of a page: where we are. */
function footers(sections) {
  const foot = (name, words) => `@page ${name} { @bottom-left { content: ${JSON.stringify(words)} } @bottom-right { content: counter(page) } }`;
  const rules = sections.map((section) => foot(section.id, textOf(section.querySelector("h1"))));
  return make(`<style>${[foot("contents", "Contents"), ...rules].join("\n")}</style>`);
}

// ---- numbers ---------------------------------------------------------------------------------------------------------

/* Write the page numbers, {id: number}; whether any has changed. */
function number(pages) {
  let changed = false;
  for (const place of document.querySelectorAll("[data-page-of]")) {
    const known = String(pages[place.dataset.pageOf] ?? "?");
    changed ||= place.textContent !== known;
    place.textContent = known;
  }
  return changed;
}
