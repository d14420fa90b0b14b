/** What metadata of a model and files beside it call it. */
import type { TaskName } from '../../support/task.ts';

/** What lies beside a model. */
export interface Beside {
  /** Of config.json, parsed; anybody may have written it. */
  readonly config?: unknown;
  /** Whether files are there that sentence embeddings come with. */
  readonly isSentenceModel?: boolean;
}

export interface NamedTask {
  readonly name: TaskName;
  /** "config.json says BertForSequenceClassification" */
  readonly evidence: string;
}

/** Ends of class names in transformers, the longer ones first. */
const architectures: readonly (readonly [RegExp, TaskName])[] = [
  [/For(Sequence|Image|Audio|Video|Token|AudioFrame)Classification$/, 'classification'],
  [/ForObjectDetection$/, 'detection'],
  [/For(Semantic|Universal|Instance|Image)Segmentation$/, 'segmentation'],
  [/For(DepthEstimation|ImageSuperResolution|ImageToImage|MaskedImageModeling)$/, 'image-to-image'],
  [/ForKeypointDetection$/, 'regression'],
  [/ForCTC$/, 'transcription'],
  [/(ForCausalLM|ForMaskedLM|LMHeadModel)$/, 'language-model'],
  [/(ForConditionalGeneration|ForSpeechSeq2Seq|MarianMTModel)$/, 'encoder-decoder'],
  [/(ModelWithProjection|ForXVector|ForSpeakerEmbedding)$/, 'embedding'],
  [/(Bert|MPNet|Roberta|ViT|Dinov2|Electra)Model$/, 'embedding'],
];

/** Of pipelines at the hub, and of exporters of YOLO. */
const tags: Readonly<Record<string, TaskName>> = {
  classify: 'classification',
  'image-classification': 'classification',
  'text-classification': 'classification',
  'token-classification': 'classification',
  'audio-classification': 'classification',
  detect: 'detection',
  'object-detection': 'detection',
  'image-segmentation': 'segmentation',
  'feature-extraction': 'embedding',
  'sentence-similarity': 'embedding',
  'image-to-image': 'image-to-image',
  'depth-estimation': 'image-to-image',
  'text-generation': 'language-model',
  'fill-mask': 'language-model',
  'text2text-generation': 'encoder-decoder',
  translation: 'encoder-decoder',
  summarization: 'encoder-decoder',
};

/** null where nothing says it, or in words that aren't known. */
export function namedTask(metadata: ReadonlyMap<string, string>, beside: Beside): NamedTask | null {
  const task = metadata.get('task') ?? metadata.get('pipeline_tag');
  const tagged = taggedAs(task);
  if (tagged) return { name: tagged, evidence: `the model's metadata says "${task}"` };
  if (beside.isSentenceModel)
    return { name: 'embedding', evidence: 'files of sentence embeddings lie beside it' };
  const [architecture, tag] = namesIn(beside.config);
  const built = architectures.find(([end]) => end.test(architecture ?? ''))?.[1];
  if (built) return { name: built, evidence: `config.json says ${architecture}` };
  const listed = taggedAs(tag);
  return listed ? { name: listed, evidence: `config.json says "${tag}"` } : null;
}

const taggedAs = (tag: string | undefined): TaskName | undefined =>
  tag !== undefined && Object.hasOwn(tags, tag) ? tags[tag] : undefined;

function namesIn(config: unknown): [string | undefined, string | undefined] {
  if (typeof config !== 'object' || config === null) return [undefined, undefined];
  const { architectures: list, pipeline_tag: tag } = config as Record<string, unknown>;
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  return [typeof first === 'string' ? first : undefined, typeof tag === 'string' ? tag : undefined];
}
