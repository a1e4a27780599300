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
    if (same(old, fresh)) return;
    const alike = old.nodeName === fresh.nodeName && old.childElementCount && fresh.childElementCount;
    if (!alike) return old.replaceWith(fresh.cloneNode(true));
    old.className = fresh.className;
    morphChildren(old, fresh);
  }

  // The citation that was followed last carries a mark of ours, which Python does not draw.
  function same(old, fresh) {
    if (!old.ariaCurrent) return old.isEqualNode(fresh);
    const marked = fresh.cloneNode(true);
    marked.ariaCurrent = old.ariaCurrent;
    return old.isEqualNode(marked);
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
    wanted = { article, start: Number(start), end: Number(end), quote: button.title || button.textContent };
    document.querySelectorAll(".cite[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    button.setAttribute("aria-current", "true");
    if (narrow.matches) openArticle(button);
    if (!markWanted()) type($("#wanted textarea, #wanted input"), `${article}#${++requests}`);
  }

  // Marks what is wanted and forgets it; false when the page shown is another article's, or an older text of this one.
  function markWanted() {
    const page = $("#article .page");
    if (!wanted || !page || page.dataset.article !== wanted.article) return false;
    page.querySelectorAll("mark").forEach(unmark);
    const parts = partsOf(page, wanted.start, wanted.end);
    if (bare(parts.map((part) => part.text).join("")) !== bare(wanted.quote)) return false;
    wanted = null;
    const marks = parts.map(mark);
    scrollTo($("#read"), marks[0], 0.4);
    announce(`Marked in the article: ${marks.map((m) => m.textContent).join(" ")}`);
    return true;
  }

  // What lies between two offsets of the article, paragraph by paragraph.
  function partsOf(page, start, end) {
    const parts = [];
    for (const paragraph of page.querySelectorAll("[data-start]")) {
      const text = Array.from(paragraph.textContent); // code points
      const from = Math.max(0, start - paragraph.dataset.start);
      const to = Math.min(text.length, end - paragraph.dataset.start);
      const before = text.slice(0, from).join("");
      if (from < to) parts.push({ paragraph, at: before.length, text: text.slice(from, to).join("") });
    }
    return parts;
  }

  function mark({ paragraph, at, text }) {
    const cited = paragraph.firstChild.splitText(at);
    cited.splitText(text.length);
    const box = document.createElement("mark");
    cited.replaceWith(box);
    box.append(cited);
    return box;
  }

  function unmark(box) {
    const paragraph = box.parentNode;
    box.replaceWith(...box.childNodes);
    paragraph.normalize();
  }

  const bare = (text) => text.replace(/\s+/g, ""); // between two paragraphs there is white space that none of them holds

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
