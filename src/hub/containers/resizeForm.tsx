import { useState } from 'react';

import { Failure } from '../../ui/errorBox';
import { FormButtons, useSubmit } from '../../ui/form';
import type { IContainer, IResourceReport } from '../../api/models';
import { trans } from '../../ui/locale';
import type { ContainersModel } from './model';
import { SizeFields, SIZE_FIELDS, sizeOf, type ISizeValues } from './size';

/** Form that resizes a container, live if it runs. */
export function ResizeForm(props: {
  container: IContainer;
  model: ContainersModel;
  report: IResourceReport;
  onDone: () => void;
}): JSX.Element {
  const { container, model, report } = props;
  const [values, setValues] = useState<ISizeValues>({
    'resources.cpu': container.resources.cpu,
    'resources.memory': container.resources.memory,
    'resources.gpu': container.resources.gpu ?? '0'
  });
  const hasGpu = report.limits.gpu > 0;
  const { byField, rest, isBusy, submit } = useSubmit(SIZE_FIELDS, async () => {
    await model.resize(container.id, sizeOf(values, hasGpu));
    props.onDone();
  });
  return (
    <form
      className="jp-mlws-CreateForm"
      aria-label={trans.__('Size')}
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      {rest && <Failure error={rest} />}
      <p className="jp-mlws-Hint">
        {container.status === 'RUNNING' || container.status === 'UNHEALTHY'
          ? trans.__(
              'Takes effect immediately; kernels and terminals keep running.'
            )
          : trans.__('Takes effect on the next start.')}
      </p>
      <SizeFields
        values={values}
        errors={byField}
        limits={report.limits}
        onChange={change => setValues({ ...values, ...change })}
      />
      <FormButtons
        ok={trans.__('Resize')}
        isBusy={isBusy}
        isIncomplete={false}
        onCancel={props.onDone}
      />
    </form>
  );
}
