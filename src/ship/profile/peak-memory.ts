/** Largest resident size of this process so far. */
import { readFileSync } from 'node:fs';

/** On Linux from VmHWM: there, getrusage's maxrss also counts what the parent held before this process was started
 *  (measured: a 43 MB child of a 480 MB parent reports 480 MB). Elsewhere from getrusage. */
export function peakMemoryBytes(): number {
  if (process.platform === 'linux') {
    const found = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (found) return Number(found[1]) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
