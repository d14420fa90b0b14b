// The page of ../plain-html with a service worker: installable, and at work without a network after the first visit.
// lib/page/ holds that page's script and style.
import { model } from './lib/page/app.js';

// The service worker keeps page, scripts and onnxruntime-web; the model's files the runtime keeps itself, verified.
if ('serviceWorker' in navigator) {
  await navigator.serviceWorker.register('sw.js');
  await navigator.serviceWorker.ready;
  document.getElementById('offline').textContent = model.info.offline
    ? 'Running offline.'
    : 'Ready to be used offline.';
}
