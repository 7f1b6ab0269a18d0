import type { MLWSClient } from '../api/client';
import { Hint } from '../ui/controls';
import { trans } from '../ui/locale';
import { useGet } from '../ui/server';

/** Hints for a project without runs: how to make some, and how to add those of MLflow 2. */
export function NoRuns({ client }: { client: MLWSClient }): JSX.Element {
  const { data } = useGet(client, '/runs/columns');
  return (
    <>
      <Hint>
        {trans.__(
          'No runs yet. Run a workflow to see and compare its parameters and metrics here.'
        )}
      </Hint>
      {data?.migration && (
        <Hint>
          {trans.__(
            'MLflow 2 has runs in this folder. To bring them here, run'
          )}{' '}
          <code>{data.migration}</code>
        </Hint>
      )}
    </>
  );
}
