// One line on any page:  <script async src="https://bot.example/widget.js" data-article="auto"></script>
//
// A launcher in a shadow root, the conversation in an iframe from the bot's origin (/embed), and here, because nothing
// else can touch the page: reading its article, and marking the sentence that a citation quotes. The page's DOM is not
// changed: marks are CSS Custom Highlights, styles are constructed sheets, so a strict CSP needs only script-src and
// frame-src for the bot's origin. Nothing is stored, no cookie is set, nothing is loaded before the panel opens.
(() => {
  "use strict";
  const NS = "article-chat", V = 1;
  if (window.ArticleChat) return; // loaded twice: the first one stays
  const script = document.currentScript ?? [...document.scripts].find((s) => /\/widget\.js(\?|$)/.test(s.src));
  const base = new URL(".", script.src), bot = base.origin;
  const set = { article: "auto", theme: "auto", position: "right", lang: document.documentElement.lang, mode: "bubble", starters: "", ...script.dataset };
  const LABELS = {
    en: ["Ask the article", "Marked on the page"], de: ["Frag den Artikel", "Auf der Seite markiert"],
    fr: ["Interroger l’article", "Marqué sur la page"], es: ["Pregunta al artículo", "Marcado en la página"],
    ko: ["기사에 질문하기", "본문에 표시했습니다"],
  };
  const lang = set.lang.slice(0, 2).toLowerCase() in LABELS ? set.lang.slice(0, 2).toLowerCase() : "en";
  const [LABEL, MARKED] = LABELS[lang];
  const inline = set.mode === "inline";
  const fromPage = set.article === "auto" || /^[#.[]/.test(set.article); // else a slug, or `all`

  // --- reading the page ---------------------------------------------------------------------------------------------

  const SKIPPED = "script,style,noscript,template,iframe,svg,canvas,video,audio,button,select,textarea,input,form,nav,aside,footer,dialog,figcaption,[hidden],[aria-hidden=true]";
  const BLOCK = /^(ADDRESS|ARTICLE|BLOCKQUOTE|BODY|D[DLT]|DIV|FIGURE|H[1-6]|HEADER|HR|LI|MAIN|OL|P|PRE|SECTION|T[ADHR]|TABLE|TBODY|UL)$/;
  const ENOUGH = 250; // characters; a shorter text is a teaser

  // The visible text nodes below `root`, each with the block it stands in.
  function* texts(root) {
    const filter = (n) => (n.nodeType === 1 && n.matches(SKIPPED) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, filter);
    const seen = new Map();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeName === "BR") yield [null, null];
      if (node.nodeType !== 3) continue;
      const parent = node.parentElement, block = blockOf(parent, root);
      if (!seen.has(parent)) seen.set(parent, parent.checkVisibility?.() ?? true);
      if (seen.get(parent)) yield [node, block];
    }
  }

  function blockOf(element, root) {
    while (element !== root && !BLOCK.test(element.nodeName)) element = element.parentElement;
    return element;
  }

  function textOf(root) {
    let text = "", last = null;
    for (const [node, block] of texts(root)) {
      if (!node) text += "\n";
      else {
        if (last && block !== last) text += "\n\n";
        text += node.data.replace(/[\s\u00a0]+/g, " ");
        last = block;
      }
    }
    return text.replace(/ *\n */g, "\n").replace(/\n{3,}/g, "\n\n").trim();
  }

  function articleRoot() {
    if (set.article !== "auto") {
      try { return document.querySelector(set.article); } catch { return null; }
    }
    const long = (e) => e.textContent.length >= ENOUGH;
    const longest = (a, b) => (b.textContent.length > a.textContent.length ? b : a);
    const marked = [...document.querySelectorAll("article,[role=article],[itemprop=articleBody]")].filter(long);
    if (marked.length) return marked.reduce(longest);
    const weight = new Map(); // the element whose own paragraphs hold the most text
    for (const p of document.querySelectorAll("p")) {
      const length = p.textContent.trim().length;
      if (length > 60 && !p.closest(SKIPPED)) weight.set(p.parentElement, (weight.get(p.parentElement) ?? 0) + length);
    }
    const [best] = [...weight].sort((a, b) => b[1] - a[1]);
    return best?.[1] >= ENOUGH ? best[0] : null;
  }

  function pageUrl() {
    const canonical = document.querySelector("link[rel=canonical]")?.href;
    const url = new URL(canonical && new URL(canonical).origin === location.origin ? canonical : location.href);
    url.hash = "";
    return /^https?:$/.test(url.protocol) ? url.href : "";
  }

  function readPage() {
    const root = articleRoot();
    const text = root ? textOf(root) : "";
    if (!text) return null;
    const heading = root.querySelector("h1") ?? document.querySelector("h1");
    const title = heading?.textContent.trim() || document.querySelector("meta[property='og:title']")?.content || document.title;
    return { title: title.replace(/\s+/g, " ").slice(0, 300), text, url: pageUrl() };
  }

  // --- finding a quote and marking it -------------------------------------------------------------------------------

  const QUOTES = /[\u2018-\u201f\u00ab\u00bb\u2032\u2033\u2039\u203a`´"]/g, DASHES = /[\u2010-\u2015\u2212]/g;
  const GONE = /[\s\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0e\ufe0f\ufeff]/g;
  const strict = (c) => c.normalize("NFKD").replace(GONE, "").replace(QUOTES, "'").replace(DASHES, "-");
  const loose = (c) => strict(c).replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();

  // What has to be equal: without white space, soft hyphens and runs of dashes, typographic quotes made straight.
  function foldAll(text, fold) {
    let out = "";
    for (const c of text) for (const f of fold(c)) if (f !== "-" || !out.endsWith("-")) out += f;
    return out;
  }

  function foldPage(root, fold) {
    let text = "";
    const nodes = [], at = [], ends = [];
    for (const [node] of texts(root)) {
      let offset = 0;
      for (const c of node?.data ?? "") {
        for (const f of fold(c)) {
          if (f === "-" && text.endsWith("-")) continue;
          text += f;
          nodes.push(node);
          at.push(offset);
          ends.push(offset + c.length);
        }
        offset += c.length;
      }
    }
    return { text, nodes, at, ends };
  }

  function find({ exact, prefix = "", suffix = "" }) {
    const roots = [articleRoot(), document.body].filter(Boolean);
    for (const fold of [strict, loose]) {
      const needle = foldAll(exact, fold), before = foldAll(prefix, fold), after = foldAll(suffix, fold);
      for (const root of needle ? roots : []) {
        const page = foldPage(root, fold);
        let best = -1, most = -1;
        for (let i = page.text.indexOf(needle); i >= 0; i = page.text.indexOf(needle, i + 1)) {
          const score = same(page.text.slice(0, i), before, true) + same(page.text.slice(i + needle.length), after);
          if (score > most) [best, most] = [i, score];
        }
        if (best < 0) continue;
        const last = best + needle.length - 1;
        const range = document.createRange();
        range.setStart(page.nodes[best], page.at[best]);
        range.setEnd(page.nodes[last], page.ends[last]);
        return range;
      }
    }
    return null;
  }

  // How many characters agree at the end (or beginning) of two strings.
  function same(a, b, fromEnd = false) {
    const pick = (s, i) => (fromEnd ? s[s.length - 1 - i] : s[i]);
    let n = 0;
    while (n < a.length && n < b.length && pick(a, n) === pick(b, n)) n++;
    return n;
  }

  let sheet = null;
  function mark(range) {
    if (!window.Highlight || !CSS.highlights) { // older browsers: the selection shows it
      getSelection().setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset);
    } else {
      if (!sheet) {
        sheet = new CSSStyleSheet();
        sheet.replaceSync(`::highlight(${NS}){background-color:#ffdf80;color:#1b1a17}`);
        document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
      }
      CSS.highlights.set(NS, new Highlight(range));
    }
    reveal(range);
  }

  function unmark() {
    CSS.highlights?.delete(NS);
    if (sheet) document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== sheet);
    sheet = null;
  }

  // Bring it into sight, in every box that scrolls; above the panel where that would cover it.
  function reveal(range) {
    for (let box = range.startContainer.parentElement; box && box !== document.body && box !== document.documentElement; box = box.parentElement) {
      if (box.scrollHeight <= box.clientHeight || !/auto|scroll/.test(getComputedStyle(box).overflowY)) continue;
      const a = range.getBoundingClientRect(), b = box.getBoundingClientRect();
      box.scrollTop += a.top - b.top - (b.height - a.height) / 3;
    }
    const rect = range.getBoundingClientRect(), cover = panel && !panel.hidden && !inline ? panel.getBoundingClientRect() : null;
    const covered = cover && rect.right > cover.left && rect.left < cover.right;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scrollBy({ top: rect.top - innerHeight * (covered ? 0.08 : 0.35), behavior: calm ? "instant" : "smooth" });
  }

  // --- launcher and panel -------------------------------------------------------------------------------------------

  const side = set.position === "left" ? "left" : "right";
  const scheme = /^(light|dark)$/.test(set.theme) ? set.theme : "light dark";
  // !important in a shadow root wins over !important outside it, whatever the page resets
  const STYLE = `
:host{all:initial!important;color-scheme:${scheme}!important;font:15px/1.4 system-ui,sans-serif!important;direction:ltr!important;
${inline ? "display:block!important;width:100%!important" : `display:block!important;position:fixed!important;z-index:2147483000!important;bottom:16px!important;${side}:16px!important`}}
*{box-sizing:border-box}[hidden]{display:none!important}
button{all:unset;box-sizing:border-box;cursor:pointer;background:#7a2e12;color:#fff;border-radius:24px;padding:12px 20px;font:600 15px/1.4 system-ui,sans-serif;box-shadow:0 2px 10px #0006;float:${side}}
button:focus-visible{outline:3px solid #e0a080;outline-offset:2px}
.panel{background:light-dark(#fffdf8,#1c1e22);overflow:hidden}
.bubble{position:fixed;bottom:76px;${side}:16px;width:400px;max-width:calc(100vw - 32px);height:min(600px,calc(100vh - 92px));border-radius:14px;box-shadow:0 6px 30px #0005;border:1px solid light-dark(#d9d4c7,#3c3f45)}
.inline{width:100%;height:420px;border:1px solid light-dark(#d9d4c7,#3c3f45);border-radius:10px}
iframe{all:unset;display:block;width:100%;height:100%;border:0}
.note{position:fixed;bottom:84px;${side}:16px;background:light-dark(#1c1d20,#e8e4da);color:light-dark(#fff,#1c1d20);padding:8px 14px;border-radius:8px}
.note:empty{position:absolute;width:1px;height:1px;overflow:hidden;padding:0}
@media(max-width:639px){.bubble{inset:0;width:100%;max-width:none;height:100%;border:0;border-radius:0}}`;

  const host = document.createElement(NS);
  const shadow = host.attachShadow({ mode: "open" });
  const styles = new CSSStyleSheet();
  styles.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [styles];
  const make = (tag, values) => Object.assign(document.createElement(tag), values);
  const launcher = make("button", { type: "button", textContent: LABEL, hidden: inline });
  const note = make("div", { className: "note", role: "status" });
  launcher.setAttribute("aria-haspopup", "dialog");
  launcher.setAttribute("aria-expanded", "false");
  host.lang = lang;
  shadow.append(launcher, note);
  let panel = null, frame = null, ready = false, opener = null, page = null, watcher = null, timer = 0;
  const waiting = [], listeners = new Map();

  function build() {
    panel = make("div", { className: `panel ${inline ? "inline" : "bubble"}`, hidden: true });
    panel.setAttribute("role", inline ? "region" : "dialog");
    panel.setAttribute("aria-label", LABEL);
    const query = new URLSearchParams({ host: location.origin, lang, theme: set.theme, mode: set.mode });
    frame = make("iframe", { title: LABEL, src: `${new URL("embed", base)}?${query}`, referrerPolicy: "origin" });
    panel.append(frame);
    shadow.append(panel);
  }

  function open() {
    if (!panel) build();
    if (!panel.hidden) return;
    opener = document.activeElement === host || document.activeElement === document.body ? launcher : document.activeElement;
    panel.hidden = false;
    note.textContent = "";
    launcher.setAttribute("aria-expanded", "true");
    if (!inline) frame.focus();
    if (ready) send("open", {});
    emit("open");
  }

  function close(focus = true) {
    if (!panel || panel.hidden || inline) return;
    panel.hidden = true;
    launcher.setAttribute("aria-expanded", "false");
    if (focus) (opener?.isConnected || opener === launcher ? opener : launcher).focus({ preventScroll: true });
    if (ready) send("close", {});
    emit("close");
  }

  function ask(question) {
    open();
    if (ready) send("ask", { question: String(question) });
    else waiting.push(String(question));
  }

  function destroy() {
    unmark();
    watcher?.disconnect();
    clearTimeout(timer);
    removeEventListener("message", receive);
    host.remove();
    delete window.ArticleChat;
    emit("destroy");
    listeners.clear();
  }

  const on = (name, f) => void listeners.set(name, [...(listeners.get(name) ?? []), f]);
  const off = (name, f) => void listeners.set(name, (listeners.get(name) ?? []).filter((g) => g !== f));
  const emit = (name, detail) => (listeners.get(name) ?? []).forEach((f) => f(detail));

  // --- messages -----------------------------------------------------------------------------------------------------

  const send = (type, detail) => frame.contentWindow.postMessage({ ns: NS, v: V, type, ...detail }, bot);

  function receive(event) {
    if (!frame || event.source !== frame.contentWindow || event.origin !== bot) return;
    const m = event.data;
    if (m?.ns === NS && m.v === V && Object.hasOwn(received, m.type)) received[m.type](m);
  }

  const received = {
    ready() {
      ready = true;
      page = fromPage ? readPage() : null;
      const starters = set.starters.split("|").map((s) => s.trim()).filter(Boolean);
      send("hello", { article: fromPage ? null : set.article, page, url: pageUrl(), starters });
      waiting.splice(0).forEach((question) => send("ask", { question }));
      if (fromPage) watch();
      emit("ready");
    },
    close: () => close(),
    resize: ({ height }) => inline && panel.style.setProperty("height", `${Math.min(800, Math.max(240, Number(height) || 0))}px`),
    ask: ({ question }) => emit("ask", { question }),
    answer: ({ answer }) => emit("answer", answer),
    error: ({ message }) => emit("error", { message }),
    cite({ id, exact, prefix, suffix }) {
      const range = find({ exact: String(exact), prefix: String(prefix ?? ""), suffix: String(suffix ?? "") });
      if (range) {
        if (innerWidth < 640 && !inline) close(); // it would be covered
        mark(range);
        note.textContent = innerWidth < 640 ? MARKED : "";
        setTimeout(() => (note.textContent = ""), 4000);
      }
      send("cited", { id, found: !!range });
      emit("cite", { exact, found: !!range });
    },
  };

  // A single-page app swaps the article, a live page grows: the panel is told, at most once a second.
  function watch() {
    const look = () => {
      timer = 0;
      const fresh = readPage();
      if (fresh?.text === page?.text && fresh?.url === page?.url) return;
      if (fresh?.url !== page?.url) CSS.highlights?.delete(NS);
      page = fresh;
      send("page", { page, url: pageUrl() });
    };
    watcher = new MutationObserver(() => (timer ||= setTimeout(look, 1000)));
    watcher.observe(document.documentElement, { childList: true, subtree: true, characterData: true });
  }

  launcher.addEventListener("click", () => (panel && !panel.hidden ? close() : open()));
  shadow.addEventListener("keydown", (event) => event.key === "Escape" && close());
  addEventListener("message", receive);
  window.ArticleChat = Object.freeze({ open, close: () => close(), ask, destroy, on, off, version: V });
  const place = () => {
    if (inline && document.body.contains(script)) script.after(host);
    else (inline ? document.body : document.documentElement).append(host);
    if (inline) open();
  };
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
})();
