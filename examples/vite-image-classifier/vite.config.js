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
  // Pre-bundling would part onnxruntime-web from its .wasm file.
  optimizeDeps: { exclude: ['edgepress', 'onnxruntime-web'] },
});
