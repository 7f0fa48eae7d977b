// The insights page's start.
import { render } from 'preact';
import '@shared/tokens.css';
import '@shared/base.css';
import './style.css';
import { App } from './app';

const root = document.getElementById('app');
if (root) render(<App />, root);
