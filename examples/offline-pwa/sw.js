// Keeps what the page is made of. Raise the version when any of these files change: the new ones are fetched when
// the app is opened next, and used from the visit after.
const version = 'v1';
const shell = ['./', 'index.html', 'app.js', 'icon.svg', 'app.webmanifest'];

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      // Listed when lib/ was made: the names of the runtime's files change with its version.
      const libraries = await (await fetch('lib/files.json')).json();
      const cache = await caches.open(`shell-${version}`);
      await cache.addAll([...shell, ...libraries.map((file) => `lib/${file}`)]);
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      // Only our own: edgepress keeps the model in a cache of its own name.
      const old = (await caches.keys()).filter(
        (name) => name.startsWith('shell-') && name !== `shell-${version}`,
      );
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin) return;
  // The model's files go past: the runtime verifies, versions and keeps them.
  if (url.href.startsWith(new URL('model/', registration.scope).href)) return;
  event.respondWith(
    caches.match(event.request, { ignoreSearch: true }).then((kept) => kept ?? fetch(event.request)),
  );
});
