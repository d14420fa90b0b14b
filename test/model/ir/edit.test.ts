import { expect, it } from 'vitest';
import { addNode, createGraph, positionOf, removeNode } from '../../../src/model/ir/edit.ts';
import type { Node } from '../../../src/model/ir/model.ts';
import { createNameScope } from '../../../src/model/ir/names.ts';
import { createRandom } from '../../../src/support/random.ts';

it('the position of a node is its place in the list, wherever the search before it ended', () => {
  const names = createNameScope();
  const [graph, other] = [createGraph(names), createGraph(names)];
  const random = createRandom(7);
  const any = (nodes: readonly Node[]) => nodes[Math.floor(random.next() * nodes.length)]!;
  const gone: Node[] = [];
  for (let i = 0; i < 200; i++) addNode(graph, { opType: 'Relu', inputs: [] });
  const stranger = addNode(other, { opType: 'Relu', inputs: [] });
  for (let i = 0; i < 2000; i++) {
    const node = any(graph.nodes);
    expect(positionOf(graph, node)).toBe(graph.nodes.indexOf(node));
    if (i % 3 === 0) addNode(graph, { opType: 'Relu', inputs: [] }, node);
    else if (i % 3 === 1) {
      removeNode(node);
      gone.push(node);
    }
    if (gone.length > 0) expect(positionOf(graph, any(gone))).toBe(-1);
    expect(positionOf(graph, stranger)).toBe(-1);
  }
});
