import { defineConfig } from 'vite';

// These two headers make a page "cross-origin isolated", which gives onnxruntime-web its threads. Send them in
// production too: the bundle's headers/ folder has them for Netlify, Cloudflare, nginx and Vercel.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  base: './',
  build: { target: 'es2022' },
  server: { headers },
  preview: { headers },
  // edgepress-runtime is linked from the project, which has an onnxruntime-web of its own: the app's is the one to use.
  resolve: { dedupe: ['onnxruntime-web'] },
  // Pre-bundling would part onnxruntime-web from its .wasm file.
  optimizeDeps: { exclude: ['edgepress-runtime', 'onnxruntime-web', '@litertjs/core'] },
});
