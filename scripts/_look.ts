import { renderTerminal } from '../src/report/terminal.ts';
import { latency, sampleReport } from '../test/report/sample.ts';

console.log(renderTerminal(sampleReport(), { colour: true, width: 80 }));
console.log(
  renderTerminal(
    sampleReport({
      latency: [
        latency('before', 'this machine', 'wasm', 1, 40),
        latency('after', 'this machine', 'wasm', 1, 67),
      ],
      data: null,
      compare: null,
      evaluation: null,
      memory: null,
    }),
    { colour: true, width: 80 },
  ),
);
