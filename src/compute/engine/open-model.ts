/** Opens a model on an engine, which says by itself what it needs of it. */
import type { Runnable } from '../../model/formats/opened.ts';
import type { Engine, Session, SessionOptions } from './contract.ts';

/** @throws ENGINE_OPEN with the runtime's reason when it refuses the model */
export const openOn = (engine: Engine, model: Runnable, options: SessionOptions = {}): Promise<Session> =>
  engine.open(model.engineSource(engine.name === 'node' ? 'path' : 'bytes'), options);
