import { useState } from 'react';

import { Button } from '../../ui/controls';
import { trans } from '../../ui/locale';
import type { IFrame } from '../document/notes';
import { useCanvas } from '../context';
import {
  linkSubworkflow,
  readWorkflow,
  subworkflowText,
  updateSubworkflow
} from '../store/subworkflows';
import { useSource } from '../replies';

/** The file that the nodes of a frame are copies of, and if they are still the same. */
export function SubworkflowSection(props: {
  index: number;
  frame: IFrame;
}): JSX.Element {
  const { model, openFile, createWorkflow } = useCanvas();
  const { index, frame } = props;
  const { path, text, error, differs } = useSource(frame.nodes);
  const [failure, setFailure] = useState<string | null>(null);
  const save = async (): Promise<void> => {
    setFailure(null);
    try {
      const created = await createWorkflow(frame.title, own =>
        subworkflowText(model, index, own)
      );
      linkSubworkflow(model, index, created);
    } catch (reason) {
      setFailure(reason instanceof Error ? reason.message : String(reason));
    }
  };
  return (
    <section aria-label={trans.__('Sub-workflow')}>
      <h4>{trans.__('Sub-workflow')}</h4>
      {path === null ? (
        <>
          <p className="jp-mlws-Field-help">
            {trans.__(
              'Saved as a file of its own, these nodes can be inserted in other workflows.'
            )}
          </p>
          <Button onClick={() => void save()}>
            {trans.__('Save as Sub-workflow')}
          </Button>
        </>
      ) : (
        <>
          <p role="status">
            {text === null
              ? (error ?? trans.__('Loading…'))
              : differs
                ? trans.__('These nodes differ from their file.')
                : trans.__('These nodes are as in their file.')}
          </p>
          <div className="jp-mlws-NodeActions">
            <Button
              disabled={!differs}
              onClick={() =>
                updateSubworkflow(model, index, readWorkflow(text!, path))
              }
            >
              {trans.__('Update from File')}
            </Button>
            <Button title={path} onClick={() => openFile(path)}>
              {trans.__('Open File')}
            </Button>
          </div>
        </>
      )}
      {failure !== null && (
        <p className="jp-mlws-Field-error" role="alert">
          {failure}
        </p>
      )}
    </section>
  );
}
