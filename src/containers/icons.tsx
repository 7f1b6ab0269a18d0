import addSvg from '@jupyterlab/ui-components/style/icons/toolbar/add.svg';
import closeSvg from '@jupyterlab/ui-components/style/icons/toolbar/close.svg';
import deleteSvg from '@jupyterlab/ui-components/style/icons/toolbar/delete.svg';
import editSvg from '@jupyterlab/ui-components/style/icons/toolbar/edit.svg';
import launchSvg from '@jupyterlab/ui-components/style/icons/toolbar/launch.svg';
import logsSvg from '@jupyterlab/ui-components/style/icons/filetype/text-editor.svg';
import refreshSvg from '@jupyterlab/ui-components/style/icons/toolbar/refresh.svg';
import runSvg from '@jupyterlab/ui-components/style/icons/toolbar/run.svg';
import stopSvg from '@jupyterlab/ui-components/style/icons/toolbar/stop.svg';

/** JupyterLab's own drawings; its LabIcon would bring all of them into the Hub's page. */
const DRAWINGS = {
  close: closeSvg,
  delete: deleteSvg,
  logs: logsSvg,
  new: addSvg,
  open: launchSvg,
  resize: editSvg,
  restart: refreshSvg,
  start: runSvg,
  stop: stopSvg
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
