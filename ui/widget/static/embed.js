// The widget's panel: asks /api/ask, shows answers as they grow, hands citations to the page around it (widget.js).
//
// Everything that comes from an article, a question or the page is set as text, never as markup. Messages go to the
// origin that the address names, and are taken from that origin's window alone; frame-ancestors says who that may be.
"use strict";
(() => {
  const NS = "article-chat", V = 1;
  const $ = (id) => document.getElementById(id);
  const query = new URLSearchParams(location.search);
  const host = query.get("host") ?? "";
  const hosted = window.parent !== window && /^https?:\/\//.test(host);
  const bubble = hosted && query.get("mode") !== "inline";
  const WORDS = {
    en: { title: "Ask the article", ask: "Ask", stop: "Stop", yours: "Your question", close: "Close", reading: "Reading the article …", searching: "Searching the article …", none: "There is no article on this page to ask about.", nearest: "The closest sentence in it:", unsure: "Not certain.", searched: "Searched for: ", gone: "The page no longer has this sentence.", there: "Open it where it stands", stopped: "Stopped.", welcome: "The answer comes only from the article’s own sentences. Press a number to see its sentence on the page.", about: ["What is this article about?", "Summarize the article"], cite: "Citation {n}, show it on the page: ", now: "Now about: ", asked: "You asked: ", offline: "The answer did not arrive. Check the connection and ask again." },
    de: { title: "Frag den Artikel", ask: "Fragen", stop: "Stopp", yours: "Ihre Frage", close: "Schließen", reading: "Der Artikel wird gelesen …", searching: "Der Artikel wird durchsucht …", none: "Auf dieser Seite ist kein Artikel.", nearest: "Der nächste Satz darin:", unsure: "Nicht sicher.", searched: "Gesucht: ", gone: "Die Seite enthält diesen Satz nicht mehr.", there: "Dort öffnen, wo er steht", stopped: "Angehalten.", welcome: "Die Antwort besteht nur aus Sätzen des Artikels. Eine Zahl zeigt ihren Satz auf der Seite.", cite: "Zitat {n}, auf der Seite zeigen: ", now: "Jetzt über: ", asked: "Ihre Frage: ", offline: "Die Antwort kam nicht an. Bitte noch einmal fragen." },
    fr: { title: "Interroger l’article", ask: "Demander", stop: "Arrêter", yours: "Votre question", close: "Fermer", reading: "Lecture de l’article …", searching: "Recherche dans l’article …", none: "Il n’y a pas d’article sur cette page.", nearest: "La phrase la plus proche :", unsure: "Sans certitude.", searched: "Recherché : ", gone: "La page ne contient plus cette phrase.", there: "L’ouvrir là où elle se trouve", stopped: "Arrêté.", welcome: "La réponse vient uniquement des phrases de l’article. Un numéro montre sa phrase sur la page.", cite: "Citation {n}, la montrer sur la page : ", now: "Maintenant : ", asked: "Votre question : ", offline: "La réponse n’est pas arrivée. Posez la question à nouveau." },
    es: { title: "Pregunta al artículo", ask: "Preguntar", stop: "Parar", yours: "Su pregunta", close: "Cerrar", reading: "Leyendo el artículo …", searching: "Buscando en el artículo …", none: "No hay ningún artículo en esta página.", nearest: "La frase más cercana:", unsure: "No es seguro.", searched: "Buscado: ", gone: "La página ya no tiene esta frase.", there: "Abrirla donde está", stopped: "Parado.", welcome: "La respuesta viene solo de las frases del artículo. Un número muestra su frase en la página.", cite: "Cita {n}, mostrarla en la página: ", now: "Ahora sobre: ", asked: "Su pregunta: ", offline: "La respuesta no llegó. Pregunte otra vez." },
    ko: { title: "기사에 질문하기", ask: "질문", stop: "중지", yours: "질문 입력", close: "닫기", reading: "기사를 읽는 중 …", searching: "기사에서 찾는 중 …", none: "이 페이지에는 기사가 없습니다.", nearest: "가장 가까운 문장:", unsure: "확실하지 않습니다.", searched: "검색어: ", gone: "이 문장은 더 이상 페이지에 없습니다.", there: "원문에서 열기", stopped: "중지했습니다.", welcome: "답은 기사 속 문장으로만 이루어집니다. 번호를 누르면 본문에서 문장을 보여 줍니다.", cite: "인용 {n}, 본문에서 보기: ", now: "현재 기사: ", asked: "질문: ", offline: "답을 받지 못했습니다. 다시 질문해 주세요." },
  };
  const lang = Object.hasOwn(WORDS, query.get("lang")) ? query.get("lang") : "en";
  const T = { ...WORDS.en, ...WORDS[lang] };
  let article = query.get("article"); // a slug, `all`, or null for the default one
  let page = null, fromPage = false, pageUrl = "", sources = new Map(); // slug → address
  let prepared = Promise.resolve(), history = [], running = null, cited = 0;
  const shown = new Map(); // id of a citation that was pressed → its element

  // --- small helpers ------------------------------------------------------------------------------------------------

  function make(tag, values, ...children) {
    const element = Object.assign(document.createElement(tag), values);
    element.append(...children);
    return element;
  }

  function post(type, detail = {}) {
    if (hosted) window.parent.postMessage({ ns: NS, v: V, type, ...detail }, host);
  }

  async function api(path, body) {
    const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(path, options);
    if (!response.ok) throw await refusal(response);
    return response.json();
  }

  async function refusal(response) {
    const told = await response.json().catch(() => null);
    return Object.assign(new Error(told?.error?.message ?? T.offline), { status: response.status });
  }

  // --- which article --------------------------------------------------------------------------------------------------

  // Posts the page's article; posting what the server has already costs it nothing.
  async function postPage() {
    if (!page) throw new Error(T.none);
    const url = originOf(page.url) === host ? page.url : ""; // a site speaks for itself alone
    article = (await api("api/articles", { title: page.title, text: page.text, url })).article;
    sources.set(article, url);
  }

  function originOf(url) {
    try { return new URL(url).origin; } catch { return ""; }
  }

  function prepare() {
    prepared = fromPage ? postPage() : learnSources();
    prepared.catch(() => {}); // told when a question is asked
  }

  async function learnSources() {
    const { articles } = await api("api/articles");
    sources = new Map(articles.map((a) => [a.id, a.source]));
    article ??= articles.find((a) => a.default)?.id;
  }

  // --- asking -----------------------------------------------------------------------------------------------------------

  async function ask(question) {
    question = question.trim();
    if (!question || running) return;
    running = new AbortController();
    const body = make("div", { className: "answer" }, make("p", { className: "status", textContent: page ? T.reading : T.searching }));
    const turn = make("section", { className: "turn" }, make("p", { className: "question" }, make("span", { className: "unseen", textContent: T.asked }), question), body);
    $("log").querySelector(".start")?.remove();
    $("log").append(turn);
    $("log").ariaBusy = "true";
    busy(true);
    turn.scrollIntoView({ block: "start" });
    post("ask", { question });
    try {
      const answer = await answered(question, body, running.signal);
      history = [...history, question].slice(-20);
      if (answer) post("answer", { answer });
    } catch (fault) {
      const stopped = fault.name === "AbortError";
      const message = stopped ? T.stopped : fault instanceof TypeError ? T.offline : fault.message;
      if (!stopped) body.replaceChildren();
      body.append(make("p", { className: stopped ? "note" : "fault", textContent: message }));
      if (!stopped) post("error", { message });
    } finally {
      running = null;
      $("log").ariaBusy = "false";
      busy(false);
      resize();
    }
  }

  async function answered(question, body, signal, again = true) {
    await prepared.catch(() => (prepare(), prepared)); // what failed before may work now
    body.firstChild.textContent = T.searching;
    const response = await fetch("api/ask", {
      method: "POST", signal,
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify({ question, history, article }),
    });
    if (response.status === 404 && page && again) { // it had to make room meanwhile
      prepare();
      return answered(question, body, signal, false);
    }
    if (!response.ok) throw await refusal(response);
    let last = null, done = false;
    for await (const [name, data] of events(response.body)) {
      if (name === "status") body.firstChild.textContent = data.message;
      else if (name === "snapshot") body.replaceChildren(...draw((last = data)));
      else if (name === "error") throw new Error(data.message);
      else if (name === "done") done = true;
    }
    if (!done) throw new TypeError("the stream broke off");
    return last;
  }

  async function* events(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    for (let buffer = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      buffer += value;
      const blocks = buffer.split("\n\n");
      buffer = blocks.pop();
      for (const block of blocks) {
        const [, name, data] = block.match(/^event: (\w+)\ndata: (.*)$/s) ?? [];
        if (name) yield [name, JSON.parse(data)];
      }
    }
  }

  // --- drawing ------------------------------------------------------------------------------------------------------------

  function draw(answer) {
    const parts = answer.refused ? [refused(answer)] : evidence(answer);
    if (!answer.refused && answer.confidence < 0.6) parts.push(make("p", { className: "note", textContent: T.unsure }));
    const words = (text) => text.match(/[\p{L}\p{N}]+/gu)?.join(" ");
    if (words(answer.query) !== words(answer.question)) parts.push(make("p", { className: "searched" }, T.searched, make("q", { textContent: answer.query })));
    if (answer.notice) parts.push(make("p", { className: "note", textContent: answer.notice }));
    return parts;
  }

  function evidence({ said, short, text, citations }) {
    const parts = said ?? short ? [make("p", { className: "short", textContent: said ?? short })] : [];
    if (citations.length && text === citations.map((c) => `${c.quote} [${c.number}]`).join(" ")) {
      return [...parts, ...citations.map((c) => make("blockquote", {}, c.quote, chip(c)))];
    }
    const byNumber = new Map(citations.map((c) => [String(c.number), c]));
    for (const paragraph of text.split(/\n\s*\n/)) {
      const pieces = paragraph.split(/\[(\d+)\]/).map((piece, i) => (i % 2 ? (byNumber.has(piece) ? chip(byNumber.get(piece)) : `[${piece}]`) : piece));
      parts.push(make("p", {}, ...pieces));
    }
    return parts;
  }

  function refused({ text, nearest }) {
    const box = make("div", { className: "refusal" }, make("p", { className: "says", textContent: text }));
    if (nearest) box.append(make("p", { className: "note", textContent: T.nearest }), make("blockquote", {}, nearest.quote, chip(nearest, "→")));
    return box;
  }

  // A citation's number: a button that marks the sentence on this page, or a link to the page where it stands.
  function chip(citation, sign = citation.number) {
    const label = T.cite.replace("{n}", citation.number) + citation.quote;
    const link = linkTo(citation);
    if (!hosted || (link && article !== "all" && citation.article !== article)) {
      if (!link) return make("span", { className: "cite", textContent: sign, title: citation.quote });
      const anchor = make("a", { className: "cite", textContent: sign, href: link, target: "_blank", rel: "noopener", title: citation.quote });
      anchor.ariaLabel = label;
      return anchor;
    }
    const button = make("button", { type: "button", className: "cite", textContent: sign, title: citation.quote });
    button.ariaLabel = label;
    button.addEventListener("click", () => {
      document.querySelectorAll(".cite[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
      button.setAttribute("aria-current", "true");
      const id = ++cited;
      shown.set(id, { button, link });
      post("cite", { id, exact: citation.quote, prefix: citation.prefix, suffix: citation.suffix });
    });
    return button;
  }

  // The address with a text fragment; null when the article has no address on the web.
  function linkTo({ article: slug, quote, prefix, suffix }) {
    const source = sources.get(slug) ?? "";
    if (!/^https?:\/\//.test(source)) return null;
    const code = (text) => encodeURIComponent(text).replace(/-/g, "%2D");
    const words = quote.split(/\s+/);
    const what = words.length > 14 ? `${code(words.slice(0, 6).join(" "))},${code(words.slice(-6).join(" "))}` : code(quote);
    const near = (text, at) => text.split(/\n/).at(at).trim().split(/\s+/).slice(...(at ? [-3] : [0, 3])).join(" ");
    const before = near(prefix, -1), after = near(suffix, 0);
    return `${source.split("#")[0]}#:~:text=${before ? `${code(before)}-,` : ""}${what}${after ? `,-${code(after)}` : ""}`;
  }

  function wasCited({ id, found }) {
    const { button, link } = shown.get(id) ?? {};
    shown.delete(id);
    if (!button || found) return;
    button.removeAttribute("aria-current");
    if (button.parentElement.querySelector(".gone")) return;
    const elsewhere = link && link.split("#")[0] !== pageUrl ? [" ", make("a", { href: link, target: "_blank", rel: "noopener", textContent: T.there })] : [];
    button.after(make("p", { className: "note gone", role: "status" }, T.gone, ...elsewhere));
  }

  function start(starters) {
    const buttons = starters.map((question) => make("button", { type: "button", textContent: question, onclick: () => ask(question) }));
    const box = make("div", { className: "start" }, make("p", { className: "welcome", textContent: T.welcome }), make("div", { className: "starters", role: "group" }, ...buttons));
    $("log").querySelector(".start")?.remove();
    if (!$("log").querySelector(".turn")) $("log").prepend(box);
    resize();
  }

  function busy(is) {
    $("send").textContent = is ? T.stop : T.ask;
  }

  function resize() {
    if (!bubble) post("resize", { height: $("log").scrollHeight + 130 });
  }

  // --- messages from the page -----------------------------------------------------------------------------------------------

  const received = {
    hello(m) {
      article = m.article;
      page = m.page;
      pageUrl = m.url;
      fromPage = !m.article;
      prepare();
      start(Array.isArray(m.starters) && m.starters.length ? m.starters.map(String) : T.about);
      if (bubble) $("question").focus();
    },
    page(m) {
      const moved = m.url !== pageUrl;
      page = m.page;
      pageUrl = m.url;
      prepare();
      if (!moved || !page) return;
      history = [];
      running?.abort();
      if ($("log").querySelector(".turn")) $("log").append(make("p", { className: "divider", textContent: T.now + page.title }));
    },
    open: () => $("question").focus(),
    close: () => {},
    ask: ({ question }) => ask(String(question)),
    cited: wasCited,
  };

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== host || !hosted) return;
    const m = event.data;
    if (m?.ns === NS && m.v === V && Object.hasOwn(received, m.type)) received[m.type](m);
  });

  // --- the page itself --------------------------------------------------------------------------------------------------------

  document.documentElement.lang = lang;
  if (/^(light|dark)$/.test(query.get("theme"))) document.documentElement.style.colorScheme = query.get("theme");
  document.title = $("title").textContent = T.title;
  $("question-label").textContent = $("question").placeholder = T.yours;
  $("close").hidden = !bubble;
  $("close").ariaLabel = T.close;
  busy(false);
  $("close").addEventListener("click", () => post("close"));
  document.addEventListener("keydown", (event) => event.key === "Escape" && bubble && post("close"));
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (running) return running.abort();
    ask($("question").value);
    $("question").value = "";
  });
  $("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!running) $("form").requestSubmit();
  });
  if (hosted) post("ready");
  else {
    prepare();
    start(T.about);
  }
})();
