"""What must stay text wherever it comes in: markup, attributes, Markdown and templates that try to run a script."""

RUN = "window.pwned=1"
EVENTS = [
    ("img src=x", "onerror"), ("svg", "onload"), ("body", "onload"), ("video src=x", "onerror"), ("details open", "ontoggle"),
    ("input autofocus", "onfocus"), ("select autofocus", "onfocus"), ("iframe src=about:blank", "onload"), ("a href=#", "onclick"),
    ("button", "onclick"), ("marquee", "onstart"), ("object data=x", "onerror"), ("div style=width:99vw", "onmouseover"),
    ("p tabindex=0", "onpointerover"), ("style", "onload"), ("link rel=stylesheet href=x", "onerror"),
]  # fmt: skip
BEFORE = ["", '">', "'>", "</p></article>", "-->", "\n\n", "&lt;b&gt;"]
PAYLOADS = [f"{before}<{tag} {event}={RUN}>" for before in BEFORE for tag, event in EVENTS] + [
    f"<script>{RUN}</script>", f"<SCRIPT>{RUN}</SCRIPT>", f"<scr<script>ipt>{RUN}</script>", f"<script src=data:,{RUN}></script>",
    f"[x](javascript:{RUN})", f"![x](javascript:{RUN})", "![x](/pwned.png)", "[x]: /pwned", f"<javascript:{RUN}>",
    f"<a href=javascript:{RUN}>x</a>", f"<a href='java\tscript:{RUN}'>x</a>", f'" onclick="{RUN}" x="', f"' autofocus onfocus='{RUN}",
    f"`<img src=x onerror={RUN}>`", f"```mermaid\ngraph TD; A[<img src=x onerror={RUN}>]\n```", f"$$<img src=x onerror={RUN}>$$",
    f"\\(\\href{{javascript:{RUN}}}{{x}}\\)", "{{constructor.constructor('window.pwned=1')()}}", f"${{{RUN}}}", "<base href=/pwned>",
    f"<form action=javascript:{RUN}><input type=submit>", f"<math><mtext><img src=x onerror={RUN}></mtext></math>",
    f"<svg><animate onbegin={RUN} attributeName=x>", f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<template><script>{RUN}</script></template>", "<meta http-equiv=refresh content='0;url=/pwned'>", "\u2028<img src=x onerror=pwned=1>",
    f"&#60;img src=x onerror={RUN}&#62;", f"%3Cimg src=x onerror={RUN}%3E", f"<div data-action=add onclick={RUN}>", "<!--<img src=x -->",
]  # fmt: skip
