// The page's own script: shows the conversation, follows citations into the article, marks the cited sentence, keeps
// conversations in this browser.
//
// Python draws the whole conversation into #log-data (hidden); here only what changed is brought into #turns, so that
// focus, scroll position and what a screen reader has read stay. What Python has to know is typed into hidden fields.
// Offsets count code points, as Python does: a string index here counts UTF-16 units, so an emoji before a quote would
// shift the mark.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const narrow = matchMedia("(max-width: 899px)");
  const OURS = ["aria-current", "aria-pressed"]; // attributes that are set here, and not drawn by Python
  let wanted = null; // the citation to mark as soon as its article is shown
  let opener = null; // what had the focus before the article covered the page (narrow screens)
  let again = 0; // the timer that asks for a guide which was not ready
  let count = 0; // makes what is typed into a hidden field a change each time

  // --- the conversation -------------------------------------------------------------------------------------------

  function morph(old, fresh) {
    if (same(old, fresh) || old.className === "earlier") return; // that shelf is filled here, by showKept
    const alike = old.nodeName === fresh.nodeName && old.childElementCount && fresh.childElementCount;
    if (!alike) return old.replaceWith(fresh.cloneNode(true));
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !OURS.includes(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (!OURS.includes(name)) old.setAttribute(name, value);
    morphChildren(old, fresh);
  }

  function same(old, fresh) {
    const kept = OURS.filter((name) => old.hasAttribute?.(name));
    if (!kept.length) return old.isEqualNode(fresh);
    const marked = fresh.cloneNode(true);
    for (const name of kept) marked.setAttribute(name, old.getAttribute(name));
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
    const turns = $("#turns");
    if (!fresh || !turns) return;
    const before = turns.childElementCount;
    morphChildren(turns, fresh);
    showGuide();
    if (turns.childElementCount > before) scrollTo($("#log"), turns.lastElementChild, 0);
    if (!turns.childElementCount) $("#log").scrollTop = 0;
    $("[data-action=export]").setAttribute("aria-disabled", String(!turns.childElementCount));
    if (fresh.dataset.keep) keep(fresh.dataset);
  }

  // The guide greets whoever has not asked yet, and whoever turned to another article since.
  function showGuide() {
    const fresh = $("#guide-data .md > section");
    if (!fresh) return;
    const last = $("#turns > :last-child");
    const guide = $("#guide");
    const turnedTo = guide.firstElementChild?.dataset.scope !== fresh.dataset.scope;
    guide.hidden = Boolean(last && last.dataset.scope === fresh.dataset.scope);
    if (guide.firstElementChild) morph(guide.firstElementChild, fresh);
    else guide.append(fresh.cloneNode(true));
    if (last && turnedTo && !guide.hidden) scrollTo($("#log"), guide, 0);
    showKept();
    awaitGuide();
  }

  // An answer that brings nothing new changes nothing in the page, so this goes on by itself.
  function awaitGuide() {
    clearTimeout(again);
    again = setTimeout(() => {
      const { scope, ready } = $("#guide-data .md > section")?.dataset ?? {};
      if (ready !== "false") return;
      tell("guided", `${scope}#${++count}`);
      awaitGuide();
    }, 600);
  }

  // Not scrollIntoView: it also moves the page around the pane.
  function scrollTo(pane, element, share) {
    const gap = share * (pane.clientHeight - element.offsetHeight);
    const top = pane.scrollTop + element.getBoundingClientRect().top - pane.getBoundingClientRect().top - Math.max(0, gap);
    pane.scrollTo({ top, behavior: calm.matches ? "auto" : "smooth" });
  }

  function ask(question, how = "") {
    if ($(".pending")) return announce("Wait for the answer, or stop it, before you ask again.");
    tell("how", how);
    type($("#ask textarea"), question);
    setTimeout(() => $("#ask .submit-button")?.click());
  }

  function type(box, text) {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function tell(wire, text) {
    type($(`#${wire} textarea, #${wire} input`), text);
  }

  function nameButtons() {
    $("#ask .submit-button")?.setAttribute("aria-label", "Ask");
    $("#ask .stop-button")?.setAttribute("aria-label", "Stop");
  }

  // --- with one turn: edit, retry, copy, thumbs -------------------------------------------------------------------

  const turnOf = (button) => button.closest(".turn");
  const indexOf = (turn) => [...turn.parentNode.children].indexOf(turn);

  // Asking then starts again at that turn; `alone` asks the text as it stands, without the questions before it.
  function edit(turn, text, alone) {
    tell("how", JSON.stringify({ keep: indexOf(turn), alone }));
    $("#editing").hidden = false;
    const what = alone ? "what is searched for" : "this question";
    const gone = turn.nextElementSibling ? " What came after it goes." : "";
    $("#editing-what").textContent = `You are changing ${what}.${gone}`;
    const box = $("#ask textarea");
    type(box, text);
    box.focus();
  }

  function cancelEdit() {
    if ($("#editing").hidden) return;
    endEdit();
    tell("how", "");
    type($("#ask textarea"), "");
    $("#ask textarea").focus();
  }

  function endEdit() {
    $("#editing").hidden = true;
  }

  async function copy(button, turn) {
    try {
      await navigator.clipboard.writeText(turn.dataset.markdown);
      announce("Copied, with the quotes.");
      button.textContent = "Copied";
    } catch {
      announce("This browser does not let a page copy here.");
      button.textContent = "Can not copy here";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }

  function vote(button, turn) {
    const good = button.dataset.action === "good";
    for (const other of all("[aria-pressed]", turn)) other.setAttribute("aria-pressed", String(other === button));
    tell("vote", JSON.stringify({ turn: indexOf(turn), good, n: ++count }));
    announce("Noted, thank you.");
  }

  // --- conversations kept in this browser -------------------------------------------------------------------------

  const KEPT = "ask-the-article";
  const MOST_KEPT = 20;

  function kept() {
    try {
      const list = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
      return Array.isArray(list) ? list.filter((talk) => typeof talk?.keep === "string") : [];
    } catch {
      return []; // storage is blocked, or holds something else
    }
  }

  function keep({ talk, keep }) {
    try {
      const asked = $("#turns .asked")?.textContent;
      if (!asked) return sessionStorage.removeItem(KEPT);
      const others = kept().filter((other) => other.id !== talk);
      const list = [{ id: talk, asked, keep }, ...others].slice(0, MOST_KEPT);
      localStorage.setItem(KEPT, JSON.stringify(list));
      sessionStorage.setItem(KEPT, talk); // what this tab shows again after a reload
    } catch {
      // no room, or blocked: the conversation lasts as long as the page
    }
  }

  function showKept() {
    const shelf = $("#guide .earlier");
    const list = $("#turns").childElementCount ? [] : kept().slice(0, 5);
    const ids = list.map((talk) => talk.id).join();
    if (!shelf || (shelf.dataset.ids ?? "") === ids) return;
    shelf.dataset.ids = ids;
    if (!list.length) return shelf.replaceChildren();
    const head = Object.assign(document.createElement("p"), { className: "label", textContent: "Earlier, in this browser" });
    const buttons = list.map(({ id, asked }) => makeButton("recall", asked, { talk: id }));
    shelf.replaceChildren(head, ...buttons, makeButton("forget", "Forget these"));
  }

  function makeButton(action, text, data = {}) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "tool", textContent: text });
    Object.assign(button.dataset, { action, ...data });
    return button;
  }

  function recall(id) {
    const found = kept().find((talk) => talk.id === id);
    if (found) tell("recall", found.keep + " ".repeat(++count % 9));
  }

  function forget() {
    try {
      localStorage.removeItem(KEPT);
      sessionStorage.removeItem(KEPT);
    } catch {
      // blocked: there is nothing kept
    }
    $("#guide .earlier").replaceChildren();
    announce("Forgotten.");
    $("#ask textarea").focus();
  }

  function save() {
    const turns = all("#turns .turn[data-markdown]");
    if (!turns.length) return announce("There is nothing to export yet.");
    const text = turns.map((turn) => turn.dataset.markdown).join("\n\n---\n\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/markdown" }));
    link.download = "conversation.md";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    announce("The conversation was saved as conversation.md.");
  }

  // --- the article ------------------------------------------------------------------------------------------------

  function cite(button) {
    const { article, start, end } = button.dataset;
    wanted = { article, start: Number(start), end: Number(end), quote: quoteOf(button) };
    for (const other of all(".cite[aria-current]")) other.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    if (narrow.matches) openArticle(button);
    if (!markWanted()) tell("wanted", `${article}#${++count}`);
  }

  const quoteOf = (button) => button.dataset.quote ?? button.textContent;

  // Marks what is wanted and forgets it; false when the page shown is another article's, or an older text of this one.
  function markWanted() {
    const page = $("#article .page");
    if (!wanted || !page || page.dataset.article !== wanted.article) return false;
    all("mark", page).forEach(unmark);
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
    for (const paragraph of all("[data-start]", page)) {
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

  // A number's quote, beside it while the pointer is on it or the keyboard has it.
  function showTip(event) {
    const chip = event.target.closest?.(".cite[data-quote]");
    const tip = $("#tip");
    if (!tip) return;
    tip.hidden = !chip || (event.type === "focusin" && !chip.matches(":focus-visible"));
    if (tip.hidden) return;
    tip.textContent = chip.dataset.quote;
    const at = chip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left - 40), innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  }

  function hideTip() {
    const tip = $("#tip");
    if (tip) tip.hidden = true;
  }

  // --- an article of one's own --------------------------------------------------------------------------------------

  let file = null; // the one chosen or dropped
  let adding = 0; // the timer that looks how far it is
  let added = null; // the job that ended last

  function openAdd(dropped = null) {
    choose(dropped);
    $("#add-state").replaceChildren();
    $("#add").showModal();
  }

  function choose(chosen) {
    file = chosen;
    $("#add .drop span").textContent = file ? file.name : "Choose a .txt, .md or .html file, or drop it anywhere on this page";
  }

  function sayAdd(text) {
    $("#add-state").replaceChildren(Object.assign(document.createElement("p"), { className: "fault", textContent: text }));
  }

  async function add() {
    const text = $("#add-text").value;
    const title = $("#add-name").value;
    if (!file && !text.trim()) return sayAdd("Paste the text of an article, or choose a file.");
    if (file && file.size > 2_000_000) return sayAdd("That file is larger than 2 MB. Add the article alone.");
    $("[data-action=add]").disabled = true;
    try {
      const sent = file ? { name: file.name, data: await base64(file) } : { text };
      tell("bring", JSON.stringify({ ...sent, title, n: ++count }));
    } catch {
      $("[data-action=add]").disabled = false;
      sayAdd("That file can not be read by the browser. Choose it again.");
    }
  }

  const base64 = (blob) =>
    new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
      reader.onerror = reject;
      reader.readAsDataURL(blob);
    });

  function showAdded() {
    const fresh = $("#added-data .md > div");
    const { job, state } = fresh?.dataset ?? {};
    if ((!job && state !== "failed") || job === added) return;
    $("#add-state").replaceChildren(fresh.cloneNode(true));
    clearTimeout(adding);
    if (state === "working") return (adding = setTimeout(tell, 400, "bring", JSON.stringify({ job, n: ++count })));
    $("[data-action=add]").disabled = false;
    if (state !== "done") return;
    added = job; // it may be drawn again, while the form is open for another one
    $("#add").close();
    for (const field of ["#add-name", "#add-text", "#add-file"]) $(field).value = "";
    choose(null);
    announce(fresh.textContent);
    $("#ask textarea").focus();
  }

  // --- events -----------------------------------------------------------------------------------------------------

  const ACTIONS = {
    "open-article": openArticle,
    "close-article": closeArticle,
    "open-add": () => openAdd(),
    "close-add": () => $("#add").close(),
    add,
    export: save,
    "cancel-edit": cancelEdit,
    recall: (button) => recall(button.dataset.talk),
    forget,
    copy: (button) => copy(button, turnOf(button)),
    edit: (button) => edit(turnOf(button), $(".asked", turnOf(button)).textContent, false),
    "edit-query": (button) => edit(turnOf(button), $(".searched q", turnOf(button)).textContent, true),
    retry: (button) => ask($(".asked", turnOf(button)).textContent, JSON.stringify({ keep: indexOf(turnOf(button)) })),
    good: (button) => vote(button, turnOf(button)),
    bad: (button) => vote(button, turnOf(button)),
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    if (button.matches(".cite")) cite(button);
    else if (button.matches(".starter")) ask(button.dataset.question);
    else if (button.matches(".submit-button, #new")) endEdit();
    else ACTIONS[button.dataset.action]?.(button);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && event.target.matches?.("#ask textarea")) endEdit();
    if (event.key !== "Escape") return;
    hideTip();
    closeArticle();
    cancelEdit();
  });
  for (const kind of ["pointerover", "focusin", "focusout"]) document.addEventListener(kind, showTip);
  document.addEventListener("scroll", hideTip, { capture: true, passive: true });
  document.addEventListener("change", (event) => event.target.id === "add-file" && choose(event.target.files[0] ?? null));
  document.addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
  document.addEventListener("drop", (event) => {
    const dropped = event.dataTransfer?.files[0];
    if (!dropped) return;
    event.preventDefault();
    if ($("#add").open) choose(dropped);
    else openAdd(dropped);
  });
  narrow.addEventListener("change", closeArticle);

  // --- start: Gradio builds the page some time after this script has run ----------------------------------------------

  function watch(selector, changed) {
    new MutationObserver(changed).observe($(selector), { childList: true, subtree: true, characterData: true });
    changed();
  }

  function make(id, role) {
    const element = Object.assign(document.createElement("div"), { id });
    element.setAttribute("role", role);
    document.body.append(element);
    return element;
  }

  function shownBefore() {
    try {
      return sessionStorage.getItem(KEPT);
    } catch {
      return null;
    }
  }

  const PARTS = ["#log", "#turns", "#log-data .md", "#guide-data .md", "#ask textarea", "#article .page", "#bring", "#add", "#editing"];

  function begin() {
    if (!PARTS.every((part) => $(part))) return false;
    make("announcer", "status").className = "unseen";
    make("tip", "tooltip").hidden = true;
    const read = $("#read");
    read.tabIndex = 0;
    read.setAttribute("role", "region");
    read.setAttribute("aria-label", "Article");
    const before = shownBefore();
    watch("#log-data", showConversation);
    watch("#guide-data", showGuide);
    watch("#ask", nameButtons);
    watch("#article", markWanted);
    watch("#added-data", showAdded);
    if (before) recall(before);
    document.body.classList.add("ready");
    return true;
  }

  if (!begin()) {
    const waiting = new MutationObserver(() => begin() && waiting.disconnect());
    waiting.observe(document.documentElement, { childList: true, subtree: true });
  }
})();
