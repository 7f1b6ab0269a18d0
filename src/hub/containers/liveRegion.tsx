import { useEffect, useState } from 'react';

import type { IContainer } from '../../api/models';
import { trans } from '../../ui/locale';
import type { ContainersModel } from './model';
import { containerStatusLabel, nameOf } from './labels';

/** Announces changes of the list to screen readers. */
export function LiveRegion(props: { model: ContainersModel }): JSX.Element {
  const { model } = props;
  const [text, setText] = useState('');
  useEffect(() => {
    const tell = (
      _: ContainersModel,
      what: IContainer | { removed: IContainer }
    ): void => {
      const container = 'removed' in what ? what.removed : what;
      const name = `${container.user} / ${nameOf(container)}`;
      setText(
        'removed' in what
          ? trans.__('%1 was deleted', name)
          : `${name}: ${containerStatusLabel(container.status)}`
      );
    };
    model.moved.connect(tell);
    return () => {
      model.moved.disconnect(tell);
    };
  }, [model]);
  return (
    <div className="jp-mlws-LiveRegion" role="status" aria-live="polite">
      {text}
    </div>
  );
}
