/** What a WebGPU adapter is called. Measurements and pages name it alike, as the loader compares the two. */

/** GPUAdapterInfo, as far as it is used. */
export interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

/** "apple metal-3", "google swiftshader (software)"; "unknown" where the browser tells nothing, as Firefox. */
export function adapterName({ vendor, architecture, description, isFallbackAdapter }: AdapterInfo): string {
  const name = [vendor, architecture].filter(Boolean).join(' ') || description || 'unknown';
  return isFallbackAdapter || isSoftware(name) ? `${name} (software)` : name;
}

/** Whether the CPU computes what a GPU should. @param adapter  its name */
export const isSoftware = (adapter: string) => /software|swiftshader|llvmpipe|lavapipe/i.test(adapter);
