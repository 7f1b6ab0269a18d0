import type { IProblem } from '../../api/models';
import * as gestures from '../store/gestures';
import { useCanvas } from '../context';
import { Button } from '../../ui/controls';

/** Buttons of a problem's repairs. */
export function Repairs({
  problem
}: {
  problem: IProblem;
}): JSX.Element | null {
  const { model } = useCanvas();
  if (problem.repairs.length === 0 || problem.node === null) {
    return null;
  }
  const node = problem.node.split('@')[0];
  return (
    <div className="jp-mlws-Repairs">
      {problem.repairs.map(repair => (
        <Button
          key={repair.label}
          disabled={model.document.isReadOnly}
          onClick={() => gestures.repair(model, node, repair)}
        >
          {repair.label}
        </Button>
      ))}
    </div>
  );
}
