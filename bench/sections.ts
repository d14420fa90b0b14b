/** The sections of bench/RESULTS.md, in order: what each measures, and the command that measures it. */

export interface Section {
  /** Name of its file in bench/results/, and what bench/all.ts is asked for. */
  readonly name: string;
  readonly title: string;
  /** How to read the numbers. */
  readonly about: string;
  /** Arguments of node, from the project's root. */
  readonly command: readonly string[];
  /** Needs the real models and data of EDGEPRESS_ZOO. */
  readonly zoo?: boolean;
}

const section = (name: string, title: string, command: string, about: string, zoo = true): Section => ({
  name,
  title,
  about,
  command: command.split(' '),
  zoo,
});

export const sections: readonly Section[] = [
  section(
    'accuracy',
    'int8: size, accuracy, speed',
    'bench/accuracy.ts',
    'One `compress` command a row, defaults, seeded split; "no data" is `--int8 dynamic`, with the data used to compare only. Latency is the median of runs taken alternately on wasm, one thread; memory is the WebAssembly heap. "Same top-1" compares with the original on the samples in brackets, none of which calibrated.',
  ),
  section(
    'probes',
    'Probes',
    'bench/probes.ts',
    'What made-up inputs tell of a result that was made without data, against what data of the model\'s own kind tells. The first row of a model says what was made up, and how long that took. "On data": samples that nothing was made with; a result is destroyed where it lost more than 10 points of accuracy or of the measure that stands for its task (SQNR under 10 dB where that is no share), fine where it lost less than 2 (20 dB). Red is `bad`.',
  ),
  section(
    'tasks',
    'Models of every task',
    'bench/tasks.ts',
    'One `compress --int8` a row, with data where there is some and without: the task that is recognised, and the measure that stands for it. "held back" are samples that neither calibrated nor chose anything; "text" is text that ships, "made-up" inputs are seeded ones: both tell a broken model from a sound one, and nothing of accuracy.',
  ),
  section(
    'peers',
    'int8 by the tools of the field',
    'bench/peers.ts',
    "One machine, one run, by turns, each tool in processes of its own: the same models, the same 100 samples to calibrate on, the same 200 others to be judged on, which chose nothing. Seconds are those of reading, cleaning up, calibrating, quantising and writing, without imports, medians of the turns; processor seconds are those of all threads; in brackets the share of what onnxruntime.quantization takes, its `quant_pre_process` included. The whole command of ours also chooses, compares, measures and reports. Quality: the task's measure before and after, or how near the result is to the float model, and the worst output's SQNR; latency is the share of the float model's, by turns, one thread.",
  ),
  section(
    'ranges',
    'Ways to find ranges, and what repairs bring',
    'bench/ranges.ts',
    'Static int8 with each way to take ranges (`--ranges`), with the one that does best on 4 to 16 of the samples that calibrated ("chosen"), and with biases corrected as well ("repaired", what `--int8 --data` does). Signal to noise of the outputs in dB, the mean over outputs · points lost of the task\'s measure, on samples that neither calibrated nor chose anything; means over draws (`--seed 0` …). Computed by onnxruntime-node. All but MobileNetV2 and the ResNets compute in int8 wherever there is a kernel (`--everywhere`), which the command itself does only where such a kernel is the faster one; selfie and the text detector lose much so. MobileNetV2 is one draw. Few samples (six pictures) tell ways apart only roughly.',
  ),
  section(
    'quantize',
    'Time and memory of quantising',
    'bench/quantize.ts',
    'Static int8 from 100 samples: quantising alone (read, clean up, calibrate, quantise, write), in a process of its own, medians.',
  ),
  section(
    'load',
    'First visit to a page',
    'bench/load.ts .cache/mobilenetv2 3',
    'MobileNetV2 as a bundle in Chromium, cold cache; the phone is emulated (CPU four times slower, fast 4G). bench/README.md says how the bundle is made.',
  ),
  section(
    'tfjs',
    'First visit with a small model: TensorFlow.js against onnxruntime-web',
    'bench/load.ts .cache/digits 5',
    'digits-cnn as a bundle in Chromium, cold cache; the phone is emulated (CPU four times slower, fast 4G). bench/README.md says how the bundle is made.',
    false,
  ),
  section(
    'litert',
    'LiteRT.js against onnxruntime-web',
    'bench/litert.ts',
    "One page of Chromium, one thread, by turns: the ratio to float on onnxruntime-web (below 1 is faster), the median of the rounds' ratios; in brackets the median of a run. int8 is `--int8` with made-up samples, whose ranges don't change the speed, each for its own target. The last two columns use the build for browsers without relaxed SIMD.",
  ),
  section(
    'litert-visit',
    'First visit on LiteRT.js',
    'src/cli/main.ts profile .cache/mobilenetv2-litert --device chromium:phone',
    'MobileNetV2 as a bundle, its variants in Chromium as an emulated phone (CPU four times slower, fast 4G): bytes on the wire, and the time that these take there, the runtime starts in, and the model is opened and runs in once. bench/README.md says how the bundle is made.',
    false,
  ),
  section(
    'litert-kernels',
    "LiteRT.js' int8 kernels",
    'bench/litert-kernels.ts',
    'µs an operator, one thread, least of many: in floats, in int8, in floats between integers, and products that find their ranges while running; first with the build for relaxed SIMD, then with that for plain SIMD. Target litert follows it (src/compress/quant/litert-kernels.ts). A dot product that saturates is that of x86 without AVX-VNNI: there the fast int8 kernels of the relaxed build are not used.',
    false,
  ),
  section(
    'install',
    'Size of the packages',
    'scripts/package-sizes.ts',
    'Both packages packed, installed from their tarballs into empty folders, all files added up. Needs `npm run build`.',
    false,
  ),
  section(
    'qat',
    'Training through the rounding',
    'bench/qat.ts',
    'What 4-bit weights lose when they are calibrated, and what training on the quantised graph wins back; no labels are used.',
  ),
  section(
    'mnist',
    'Trained from random weights',
    'bench/mnist.ts',
    'The CNN and the MLP that ship, on the test set of MNIST.',
  ),
  section(
    'distill-cifar',
    'A student with and without a teacher',
    'bench/distill-cifar.ts --images 3000 --batch 32',
    'ResNet-20 at half its width, CIFAR-10, ResNet-56 as teacher, three seeds.',
  ),
  section(
    'text-training',
    'Language models fine-tuned and distilled',
    'bench/text-training.ts',
    'minGPT with a block less, and a character LSTM.',
  ),
  section(
    'prune-train',
    'Pruned, then trained',
    'bench/prune-recovery.ts resnet56 --macs 0.5 --tune --augment --images 50000 --hold 5000 --tune-lr 0.02,0.05 --lr 0.02,0.05',
    'A pruned network after distillation from the dense one, against the dense one trained as long; accuracy on test pictures.',
  ),
  section(
    'train-step',
    'A training step against PyTorch',
    'bench/train-step.ts --threads 2',
    'The same network, batch and threads on the CPU, alternately, medians.',
    false,
  ),
  section(
    'prune-recovery',
    'Pruning: accuracy against arithmetic',
    'bench/prune-recovery.ts --epochs 0',
    'Pruned and fitted to a few hundred unlabelled samples; nothing trained. Latency on wasm, as a share of the dense model, in brackets.',
  ),
  section(
    'prune',
    'Pruning against Torch-Pruning',
    'bench/prune.ts',
    'ResNet-56 at half its MACs before any training, on the 5 000 test pictures of CIFAR-10. The peer is bench/peers/torch_pruning_resnet56.py.',
  ),
  section(
    'sparse-storage',
    'Zeros on the wire',
    'bench/sparse-storage.ts',
    'What zeros and palettes weigh after Brotli, in several encodings.',
  ),
  section(
    'int8-kernels',
    'Which int8 kernels pay',
    'bench/int8-kernels.ts',
    'Convolutions and products of several sizes, int8 against float, on wasm and natively; the plan follows this table.',
    false,
  ),
  section(
    'queue',
    'The queue of a sweep',
    'bench/queue.ts',
    'Jobs that do nothing, put into a queue as parts of a sweep and taken by workers of one process, each with a word of progress. "A job" is what one takes in Redis while it waits; what stays when all are done are events, which are bounded.',
    false,
  ),
  section(
    'sweep',
    'A sweep of 200 jobs',
    'bench/sweep.ts',
    'Small jobs (five models that ship, ten recipes, four seeds; one model with data, on which its results are compared), in one process after another and by workers that do one job at once each, all on this machine: 2 or 3 workers on 2 cores can at best be twice as fast as one. Of three workers two are killed at random, one comes late, and Redis is stopped for half a second; a job of a killed worker is missed after ten seconds. It ends with an error where a report lacks a job or has it twice, where a model or number differs from that without a queue, or where a job is left in Redis. "Begun again" are jobs of killed workers, "ended again" those that were done twice, of which the first result stays. One that dies between two jobs leaves none to begin again. Rows are taken one after another: where other work shares the cores, its load differs from row to row, and ratios say little of what the queue costs or gains.',
    false,
  ),
];
