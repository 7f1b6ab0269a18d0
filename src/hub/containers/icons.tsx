import addSvg from '@jupyterlab/ui-components/style/icons/toolbar/add.svg';
import closeSvg from '@jupyterlab/ui-components/style/icons/toolbar/close.svg';
import deleteSvg from '@jupyterlab/ui-components/style/icons/toolbar/delete.svg';
import editSvg from '@jupyterlab/ui-components/style/icons/toolbar/edit.svg';
import launchSvg from '@jupyterlab/ui-components/style/icons/toolbar/launch.svg';
import logsSvg from '@jupyterlab/ui-components/style/icons/filetype/text-editor.svg';
import downSvg from '@jupyterlab/ui-components/style/icons/toolbar/move-down.svg';
import upSvg from '@jupyterlab/ui-components/style/icons/toolbar/move-up.svg';
import undoSvg from '@jupyterlab/ui-components/style/icons/toolbar/undo.svg';
import refreshSvg from '@jupyterlab/ui-components/style/icons/toolbar/refresh.svg';
import runSvg from '@jupyterlab/ui-components/style/icons/toolbar/run.svg';
import stopSvg from '@jupyterlab/ui-components/style/icons/toolbar/stop.svg';

/** Paths of JupyterLab's icons; LabIcon would include all icons in the Hub's page. */
const DRAWINGS = {
  close: closeSvg,
  delete: deleteSvg,
  down: downSvg,
  logs: logsSvg,
  new: addSvg,
  open: launchSvg,
  resize: editSvg,
  restore: undoSvg,
  restart: refreshSvg,
  start: runSvg,
  stop: stopSvg,
  trash: deleteSvg,
  up: upSvg
};

export type IconName = keyof typeof DRAWINGS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <span
      className="jp-mlws-Icon"
      aria-hidden="true"
      dangerouslySetInnerHTML={{ __html: DRAWINGS[name] }}
    />
  );
}
