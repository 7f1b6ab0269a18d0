import { useState } from 'react';

import { Hint } from '../../ui/controls';
import { Form } from '../../ui/form';
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
  const send = async (): Promise<void> => {
    await model.resize(container.id, sizeOf(values, hasGpu));
    props.onDone();
  };
  return (
    <Form
      className="jp-mlws-CreateForm"
      label={trans.__('Size')}
      fields={SIZE_FIELDS}
      ok={trans.__('Resize')}
      send={send}
      onCancel={props.onDone}
    >
      {errors => (
        <>
          <Hint>
            {container.status === 'RUNNING' || container.status === 'UNHEALTHY'
              ? trans.__(
                  'Takes effect immediately; kernels and terminals keep running.'
                )
              : trans.__('Takes effect on the next start.')}
          </Hint>
          <SizeFields
            values={values}
            errors={errors}
            limits={report.limits}
            onChange={change => setValues({ ...values, ...change })}
          />
        </>
      )}
    </Form>
  );
}
