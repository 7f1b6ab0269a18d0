import { LabIcon } from '@jupyterlab/ui-components';

import autoLayout from '../../style/icons/auto-layout.svg';
import fit from '../../style/icons/fit.svg';
import history from '../../style/icons/history.svg';
import more from '../../style/icons/more.svg';
import note from '../../style/icons/note.svg';
import tree from '../../style/icons/tree.svg';
import workflow from '../../style/icons/workflow.svg';

export const workflowIcon = new LabIcon({
  name: 'jupyter-mlws:workflow',
  svgstr: workflow
});
export const fitIcon = new LabIcon({ name: 'jupyter-mlws:fit', svgstr: fit });
export const autoLayoutIcon = new LabIcon({
  name: 'jupyter-mlws:auto-layout',
  svgstr: autoLayout
});
export const noteIcon = new LabIcon({
  name: 'jupyter-mlws:note',
  svgstr: note
});
export const historyIcon = new LabIcon({
  name: 'jupyter-mlws:run-history',
  svgstr: history
});
export const treeIcon = new LabIcon({
  name: 'jupyter-mlws:tree',
  svgstr: tree
});
export const moreIcon = new LabIcon({
  name: 'jupyter-mlws:more',
  svgstr: more
});
