// The storefront's start: styles, who is here, and the page that the address names.
import { render } from 'preact';
import '@shared/tokens.css';
import '@shared/base.css';
import './style.css';
import { App } from './app';
import { followLinks } from './state/location';
import { loadSession } from './state/session';

const root = document.getElementById('app');
if (root) {
  document.addEventListener('click', followLinks);
  void loadSession();
  render(<App />, root);
}
