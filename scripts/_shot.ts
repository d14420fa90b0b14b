import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { sampleReport, latency } from '../test/report/sample.ts';
import { renderHtml } from '../src/report/html.ts';
const t = performance.now();
const page1 = await renderHtml(sampleReport());
console.log('render', performance.now() - t, page1.length);
writeFileSync('/tmp/r.html', page1);
writeFileSync('/tmp/bad.html', await renderHtml(sampleReport({latency:[latency('before','this machine','wasm',1,40),latency('after','this machine','wasm',1,67)], data:null, compare:null, evaluation:null, memory:null, variants:[], next:[]})));
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
const only = process.argv.slice(2);
for (const [name, file, width, scheme] of [['wl','r',1280,'light'],['wd','r',1280,'dark'],['nl','r',390,'light'],['nd','r',390,'dark'],['bl','bad',1280,'light'],['bn','bad',390,'dark']] as const) {
  if (only.length && !only.includes(name)) continue;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme, deviceScaleFactor: width < 500 ? 1.5 : 1 });
  page.on('console', (m) => console.log(name, m.text()));
  page.on('pageerror', (m) => console.log(name, m));
  await page.goto(`file:///tmp/${file}.html`);
  await page.screenshot({ path: `/tmp/${name}.png`, fullPage: true });
  if (name === 'wl') await page.pdf({ path: '/tmp/r.pdf', format: 'A4' });
  await page.close();
}
await browser.close();
