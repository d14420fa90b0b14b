// NOT RUN HERE: see README.md. Loads the .ort file of a bundle and runs it on a picture of the camera roll.
import ImageResizer from '@bam.tech/react-native-image-resizer';
import { decode } from 'jpeg-js';
import { InferenceSession, Tensor } from 'onnxruntime-react-native';
import { Platform } from 'react-native';
import RNFS from 'react-native-fs';
import manifest from './edgepress.json';

const file = 'model_quantized.ort';

/** onnxruntime opens files by path; Android keeps assets inside the APK, so the model is copied out once. */
export async function openModel(): Promise<InferenceSession> {
  if (Platform.OS === 'ios') return InferenceSession.create(`${RNFS.MainBundlePath}/${file}`);
  const { sha256 } = manifest.variants.find((v) => v.format === 'ort')!.parts[0]!;
  const path = `${RNFS.DocumentDirectoryPath}/${sha256.slice(0, 16)}.ort`;
  if (!(await RNFS.exists(path))) await RNFS.copyFileAssets(file, path);
  return InferenceSession.create(path);
}

/** @param uri  of a picture. @returns the name of the most likely class and its share */
export async function classify(
  session: InferenceSession,
  uri: string,
): Promise<{ label: string; share: number }> {
  const input = await preprocess(uri);
  const outputs = await session.run({ [manifest.inputs[0]!.name]: input });
  const scores = Array.from(outputs[manifest.outputs[0]!.name]!.data as Float32Array);
  const most = Math.max(...scores);
  const powers = scores.map((s) => Math.exp(s - most));
  const best = scores.indexOf(most);
  return {
    label: manifest.labels[best] ?? String(best),
    share: powers[best]! / powers.reduce((a, b) => a + b),
  };
}

/** Scaled to the crop's size by the phone (cover, centred), then normalised as the manifest says; NCHW. */
async function preprocess(uri: string): Promise<Tensor> {
  const { crop, scale, mean, std } = manifest.preprocessing;
  const { width, height } = crop;
  const small = await ImageResizer.createResizedImage(uri, width, height, 'JPEG', 100, 0, undefined, false, {
    mode: 'cover',
  });
  const base64 = await RNFS.readFile(small.uri, 'base64');
  const picture = decode(
    Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)),
    { useTArray: true },
  );
  const values = new Float32Array(3 * width * height);
  // "cover" leaves the longer side longer: take the middle.
  const [left, top] = [(picture.width - width) >> 1, (picture.height - height) >> 1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const byte = picture.data[4 * ((y + top) * picture.width + x + left) + c]!;
        values[(c * height + y) * width + x] = (byte * scale - mean[c]!) / std[c]!;
      }
  return new Tensor('float32', values, [1, 3, height, width]);
}
