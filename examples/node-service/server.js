// POST /classify with a picture as the body → { variant, classes: [{ label, share }] }
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { loadBundle } from './model.js';

const folder = process.env.MODEL ?? fileURLToPath(new URL('../model', import.meta.url));
const largest = 10e6;

const model = await loadBundle(folder);
const server = createServer(async (request, response) => {
  const answer = (status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  try {
    if (request.url !== '/classify') return answer(404, { error: 'POST a picture to /classify' });
    if (request.method !== 'POST') return answer(405, { error: 'POST a picture' });
    const picture = await body(request);
    if (!picture) {
      response.setHeader('connection', 'close');
      return answer(413, { error: `a picture may have ${largest / 1e6} MB` });
    }
    const classes = await model.classify(picture).catch((error) => {
      if (/unsupported image format|corrupt|Input buffer|pixel limit/i.test(error.message)) return null;
      throw error;
    });
    if (!classes) return answer(415, { error: 'the body is not a picture that sharp reads' });
    answer(200, { variant: model.variant, classes });
  } catch (error) {
    console.error(error);
    answer(500, { error: 'the model could not be run' });
  }
});

/** The whole body, or null when it is too large. */
async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > largest) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log(`http://${server.address().address}:${server.address().port}/classify · ${model.variant}`);
});

// Answers what has been asked, then ends.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => server.close(() => model.close().then(() => process.exit(0))));
