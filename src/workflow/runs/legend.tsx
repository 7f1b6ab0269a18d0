import { useEffect, useReducer } from 'react';

import { trans } from '../../ui/locale';
import { markText } from '../labels';
import { MARK_ICONS } from '../operationIcons';
import { useCanvas } from '../context';
import { useDrawing, useSlot } from '../hooks';
import { runStatusLabel } from '../../ui/runStatus';
import { NODE_MARKS, nodeMark, type NodeMark } from '../graph/marks';

/** Milliseconds in which changes of many nodes are counted once. */
const UPDATE_DELAY = 100;

/** Legend of the node colors, with the number of nodes of each. */
export function Legend(): JSX.Element {
  const { model, past } = useCanvas();
  const { graph } = useDrawing();
  const { current, forecast } = model.runs;
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useSlot(current.changed, draw);
  useSlot(forecast.changed, draw);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = current.nodes.subscribeAll(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        draw();
      }, UPDATE_DELAY);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [current]);
  const counts = new Map<NodeMark, number>();
  for (const id of graph.nodes.keys()) {
    const mark = nodeMark(current.nodes.get(id), forecast.nodes.get(id));
    if (mark) {
      counts.set(mark, (counts.get(mark) ?? 0) + 1);
    }
  }
  return (
    <ul className="jp-mlws-Legend" aria-label={trans.__('Legend')}>
      {NODE_MARKS.filter(mark => counts.has(mark)).map(mark => {
        const Icon = MARK_ICONS[mark].react;
        return (
          <li key={mark} data-mlws-mark={mark}>
            <Icon tag="span" className="jp-mlws-Mark" aria-hidden />
            {past && mark === 'cached'
              ? runStatusLabel('COMPLETED')
              : markText(mark)}{' '}
            {counts.get(mark)}
          </li>
        );
      })}
    </ul>
  );
}
