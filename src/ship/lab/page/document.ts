/** The lab page's markup: a frame that the script fills. */
export const html = (name: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>edgepress lab</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/lab.css">
<script type="module" src="/lab.js"></script>
</head>
<body>
<header>
  <p class="where"><span class="brand">edgepress lab</span> <span>${escaped(name)}</span></p>
  <h1 id="status" role="status">Connecting…</h1>
  <p id="detail">Asking the computer what to measure.</p>
</header>
<main>
  <ul id="notes" hidden></ul>
  <section id="results" hidden></section>
  <ol id="runs"></ol>
  <details id="left" hidden><summary></summary><ul></ul></details>
</main>
<footer id="device"></footer>
<noscript>This page measures with JavaScript, which is switched off here.</noscript>
</body>
</html>
`;

const escaped = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
