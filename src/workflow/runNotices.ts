import { Notification } from '@jupyterlab/apputils';

import { helpActions } from '../lab/notify';
import { trans } from '../ui/locale';
import { failureSentence } from './failure';
import type { RunsStore } from './store/runs';
import type { WorkflowWidget } from './widget';

/** Milliseconds for which a notice of a failed run stays. */
const NOTICE_TIME = 15_000;

/** Reports runs whose data was not pulled, with a button that pulls it and runs. */
export function notifyOfUnpulledData(runs: RunsStore): void {
  runs.unpulled.connect((_, { error, pullAndRun }) => {
    Notification.warning(error.message, {
      autoClose: false,
      actions: [
        {
          label: trans.__('Pull Data and Run'),
          displayType: 'accent',
          callback: () => void pullAndRun()
        },
        ...helpActions(error)
      ]
    });
  });
}

/** Reports runs that fail, with a button that shows the failed node. */
export function notifyOfFailures(
  widget: WorkflowWidget,
  activate: () => void
): void {
  widget.whenLoaded(({ model }) => {
    notifyOfUnpulledData(model.runs);
    model.runs.ended.connect((_, { status, error }) => {
      if (status !== 'FAILED' || !error) {
        return;
      }
      const { node } = error;
      const sentence = failureSentence(error);
      const title = model.document.workflow.title || widget.title.label;
      const text = node
        ? trans.__('%1: “%2” failed. %3', title, node, sentence)
        : `${title}: ${sentence}`;
      Notification.error(text, {
        autoClose: NOTICE_TIME,
        actions: [
          ...(node
            ? [
                {
                  label: trans.__('Show'),
                  callback: () => {
                    activate();
                    widget.content.flow?.focusNode(node.split('@')[0]);
                  }
                }
              ]
            : []),
          ...helpActions(error)
        ]
      });
    });
  });
}
