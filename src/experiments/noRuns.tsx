import type { MLWSClient } from '../api/client';
import { Hint } from '../ui/controls';
import { trans } from '../ui/locale';
import { useGet } from '../ui/server';

/** What to do where there is no run; also that MLflow 2 may have some. */
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
