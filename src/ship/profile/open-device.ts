/** Opens a device by its name; the browser's side is loaded only when it is asked for. */
import { type Device, type Provider, parseDevice } from './device.ts';

/** Opens the device: starts the browser, if it is one.
 *  @param providers  what it will be asked for; WebGPU is only set up where it will be
 *  @throws UNKNOWN_DEVICE, BROWSER_MISSING, BROWSER_LAUNCH */
export async function openDevice(name: string, providers: readonly Provider[]): Promise<Device> {
  const parsed = parseDevice(name);
  if (parsed.kind === 'node' || parsed.kind === 'wasm')
    return (await import('./device-node.ts')).openNodeDevice(parsed.kind);
  return (await import('./device-browser.ts')).openBrowserDevice(name, parsed, providers.includes('webgpu'));
}
