/** Names for people, from what browsers say of themselves. */

interface Hints {
  readonly model?: string | undefined;
  readonly platform?: string | undefined;
  readonly platformVersion?: string | undefined;
}

/** "Pixel 7 · Android 14", "iPhone · iOS 18.2", "Mac". */
export function modelName(userAgent: string, hints: Hints = {}): string {
  const android = /Android ([\d.]+)(?:; ([^;)]+))?/.exec(userAgent);
  if (android || hints.platform === 'Android') {
    const version = hints.platformVersion?.split('.')[0] || android?.[1] || '';
    // Chrome replaced the model by "K"; the hint has it where the browser tells.
    const told = android?.[2]?.replace(/ Build\/.*$/, '').trim();
    const model = hints.model || (told && told !== 'K' ? told : 'Android device');
    return `${model} · Android ${version}`.trim();
  }
  const ios = /(iPhone|iPad|iPod).*? OS ([\d_]+)/.exec(userAgent);
  if (ios) return `${ios[1]} · ${ios[1] === 'iPad' ? 'iPadOS' : 'iOS'} ${ios[2]!.replaceAll('_', '.')}`;
  const system = systems.find(([pattern]) => pattern.test(userAgent));
  return system?.[1] ?? hints.platform ?? 'Unknown device';
}

const systems: readonly (readonly [RegExp, string])[] = [
  [/Macintosh/, 'Mac'],
  [/Windows/, 'Windows PC'],
  [/CrOS/, 'Chromebook'],
  [/Linux/, 'Linux PC'],
];

/** "Chrome 140", "Safari 18.2". Edge, Opera, Samsung Internet also call themselves Chrome, and all Safari. */
export function hostName(
  userAgent: string,
  brands: readonly { readonly brand: string; readonly version: string }[] = [],
): string {
  const browser = browsers.find(([pattern]) => pattern.test(userAgent));
  if (browser) return `${browser[1]} ${browser[0].exec(userAgent)![1]}`;
  const brand = brands.find((b) => !/not.*brand/i.test(b.brand));
  return brand ? `${brand.brand} ${brand.version}` : 'Unknown browser';
}

const browsers: readonly (readonly [RegExp, string])[] = [
  [/Edg(?:A|iOS)?\/(\d+)/, 'Edge'],
  [/OPR\/(\d+)/, 'Opera'],
  [/SamsungBrowser\/(\d+)/, 'Samsung Internet'],
  [/(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/(?:Chrome|CriOS)\/(\d+)/, 'Chrome'],
  [/Version\/(\d+(?:\.\d+)?).* Safari\//, 'Safari'],
];
