// The page's own script: shows the conversation, follows citations into the article, marks the cited sentence.
//
// Python draws the whole conversation into #log-data (hidden); here only what changed is brought into #log, so that
// focus, scroll position and what a screen reader has read stay. Offsets count code points, as Python does: a string
// index here counts UTF-16 units, so an emoji before a quote would shift the mark.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const narrow = matchMedia("(max-width: 899px)");
  let wanted = null; // the citation to mark as soon as its article is shown
  let opener = null; // what had the focus before the article covered the page (narrow screens)
  let requests = 0;

  // --- the conversation -------------------------------------------------------------------------------------------

  function morph(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    const alike = old.nodeName === fresh.nodeName && old.childElementCount && fresh.childElementCount;
    if (!alike) return old.replaceWith(fresh.cloneNode(true));
    old.className = fresh.className;
    morphChildren(old, fresh);
  }

  function morphChildren(old, fresh) {
    [...fresh.childNodes].forEach((child, i) => {
      if (i < old.childNodes.length) morph(old.childNodes[i], child);
      else old.append(child.cloneNode(true));
    });
    while (old.childNodes.length > fresh.childNodes.length) old.lastChild.remove();
  }

  function showConversation() {
    const fresh = $("#log-data .md > div");
    const log = $("#log");
    if (!fresh || !log) return;
    const turns = log.querySelectorAll(".turn").length;
    morphChildren(log, fresh);
    const last = [...log.querySelectorAll(".turn")];
    if (last.length > turns) scrollTo(log, last.at(-1), 0);
    if (!last.length) log.scrollTop = 0;
  }

  // Not scrollIntoView: it also moves the page around the pane.
  function scrollTo(pane, element, share) {
    const gap = share * (pane.clientHeight - element.offsetHeight);
    const top = pane.scrollTop + element.getBoundingClientRect().top - pane.getBoundingClientRect().top - Math.max(0, gap);
    pane.scrollTo({ top, behavior: calm.matches ? "auto" : "smooth" });
  }

  function ask(question) {
    const box = $("#ask textarea");
    type(box, question);
    setTimeout(() => $("#ask .submit-button")?.click());
  }

  function type(box, text) {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function nameButtons() {
    $("#ask .submit-button")?.setAttribute("aria-label", "Ask");
    $("#ask .stop-button")?.setAttribute("aria-label", "Stop");
  }

  // --- the article ------------------------------------------------------------------------------------------------

  function cite(button) {
    const { article, start, end } = button.dataset;
    wanted = { article, start: Number(start), end: Number(end) };
    document.querySelectorAll(".cite[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    button.setAttribute("aria-current", "true");
    if (narrow.matches) openArticle(button);
    if (!markWanted()) type($("#wanted textarea, #wanted input"), `${article}#${++requests}`);
  }

  function markWanted() {
    const page = $("#article .page");
    if (!wanted || !page || page.dataset.article !== wanted.article) return false;
    const { start, end } = wanted;
    wanted = null;
    const marks = mark(page, start, end);
    if (marks.length) {
      scrollTo($("#read"), marks[0], 0.4);
      announce(`Marked in the article: ${marks.map((m) => m.textContent).join(" ")}`);
    }
    return true;
  }

  function mark(page, start, end) {
    page.querySelectorAll("mark").forEach((old) => {
      const parent = old.parentNode;
      old.replaceWith(...old.childNodes);
      parent.normalize();
    });
    const marks = [];
    for (const paragraph of page.querySelectorAll("[data-start]")) {
      const text = Array.from(paragraph.textContent); // code points
      const from = Math.max(0, start - paragraph.dataset.start);
      const to = Math.min(text.length, end - paragraph.dataset.start);
      if (from >= to) continue;
      const units = (n) => text.slice(0, n).join("").length;
      const cited = paragraph.firstChild.splitText(units(from));
      cited.splitText(units(to) - units(from));
      const box = document.createElement("mark");
      cited.replaceWith(box);
      box.append(cited);
      marks.push(box);
    }
    return marks;
  }

  function announce(text) {
    $("#announcer").textContent = text;
  }

  // On a narrow screen the article is a sheet over the conversation.
  function openArticle(from) {
    opener = from;
    document.body.classList.add("reading");
    $("#talk").inert = $("#bar").inert = true;
    $("#close-article button").focus({ preventScroll: true });
  }

  function closeArticle() {
    if (!document.body.classList.contains("reading")) return;
    document.body.classList.remove("reading");
    $("#talk").inert = $("#bar").inert = false;
    opener?.focus({ preventScroll: true });
  }

  // --- events -----------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    if (button.matches(".cite")) cite(button);
    else if (button.matches(".starter")) ask(button.dataset.question);
    else if (button.dataset.action === "open-article") openArticle(button);
    else if (button.dataset.action === "close-article") closeArticle();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeArticle());
  narrow.addEventListener("change", closeArticle);

  // --- start: Gradio builds the page some time after this script has run ----------------------------------------------

  function watch(selector, changed) {
    new MutationObserver(changed).observe($(selector), { childList: true, subtree: true, characterData: true });
    changed();
  }

  function begin() {
    if (!["#log", "#log-data .md", "#ask textarea", "#article .page", "#wanted"].every((part) => $(part))) return false;
    const announcer = Object.assign(document.createElement("div"), { id: "announcer", className: "unseen" });
    announcer.setAttribute("role", "status");
    document.body.append(announcer);
    const read = $("#read");
    read.tabIndex = 0;
    read.setAttribute("role", "region");
    read.setAttribute("aria-label", "Article");
    watch("#log-data", showConversation);
    watch("#ask", nameButtons);
    watch("#article", markWanted);
    document.body.classList.add("ready");
    return true;
  }

  if (!begin()) {
    const waiting = new MutationObserver(() => begin() && waiting.disconnect());
    waiting.observe(document.documentElement, { childList: true, subtree: true });
  }
})();
