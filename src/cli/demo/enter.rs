//! The Enter key. A thread reads it, so that a signal is heard meanwhile.

use std::io::{self, IsTerminal as _};
use std::thread;

use tokio::sync::oneshot;

/// The same where somebody can press it; elsewhere it waits for ever.
pub(super) async fn pressed_where_possible() {
    if !io::stdin().is_terminal() {
        std::future::pending::<()>().await;
    }
    pressed().await;
}

/// Waits for a line on standard input. Without any more of them it waits for ever: nobody can press anything.
pub(super) async fn pressed() {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let mut line = String::new();
        if io::stdin().read_line(&mut line).is_ok_and(|read| read > 0) {
            // Nobody waits any more when the end came first.
            let _ = tell.send(());
        }
    });
    if told.await.is_err() {
        std::future::pending::<()>().await;
    }
}
