import autoLayout from '../../style/icons/auto-layout.svg';
import fit from '../../style/icons/fit.svg';
import history from '../../style/icons/history.svg';
import more from '../../style/icons/more.svg';
import note from '../../style/icons/note.svg';
import tree from '../../style/icons/tree.svg';
import workflow from '../../style/icons/workflow.svg';
import { icon } from '../ui/fileIcons';

export const workflowIcon = icon('workflow', workflow);
export const fitIcon = icon('fit', fit);
export const autoLayoutIcon = icon('auto-layout', autoLayout);
export const noteIcon = icon('note', note);
export const historyIcon = icon('run-history', history);
export const treeIcon = icon('tree', tree);
export const moreIcon = icon('more', more);
