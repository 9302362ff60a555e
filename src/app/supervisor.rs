//! Telling whoever started the process how far it is, in the way of systemd: a datagram to the socket that `NOTIFY_SOCKET`
//! names (`sd_notify(3)`). Where nothing is named, nobody wants to know.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::config::environment;

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Every listener is open.
    Ready,
    /// The end has begun.
    Stopping,
}

/// Tells it. That it cannot be told stops nothing.
pub(super) fn tell(stage: Stage) {
    if let Some(socket) = environment("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())
        && let Err(error) = send(&socket, stage)
    {
        tracing::warn!(socket, %error, "the supervisor could not be told: {stage:?}");
    }
}

fn send(socket: &str, stage: Stage) -> io::Result<()> {
    // A name that begins with @ is no file.
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    let message: &[u8] = match stage {
        Stage::Ready => b"READY=1",
        Stage::Stopping => b"STOPPING=1",
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_socket_with_a_path_and_one_without_are_told() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        send(path.to_str().unwrap(), Stage::Ready).unwrap();
        assert_eq!(heard(&socket), "READY=1");

        let name = format!("bob-auth-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(&format!("@{name}"), Stage::Stopping).unwrap();
        assert_eq!(heard(&socket), "STOPPING=1");
    }

    #[test]
    fn a_socket_that_is_not_there_is_an_error_and_no_more() {
        assert!(send("/nonexistent/notify", Stage::Ready).is_err());
    }
}
