// NOT RUN HERE: see README.md.
import type { CapacitorConfig } from '@capacitor/cli';

const config: CapacitorConfig = {
  appId: 'org.example.symbols',
  appName: 'Symbols',
  // What `vite build` wrote: page, scripts, onnxruntime-web and the model.
  webDir: '../vite-image-classifier/dist',
  server: { androidScheme: 'https' },
};

export default config;
