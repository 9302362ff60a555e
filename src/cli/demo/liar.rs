//! [`Liar`]: somebody on the way to the registry, who hands out whatever set he likes. Transport security would not stop him if
//! he were the registry's own host; the signature does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::failure::Failure;

/// He listens for as long as this lives.
pub(super) struct Liar {
    address: SocketAddr,
    set: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

/// Requests are no longer than that.
const LARGEST: usize = 16 * 1024;

impl Liar {
    /// He begins with the truth.
    pub(super) async fn start(set: Vec<u8>) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, set) = (listener.local_addr()?, Arc::new(Mutex::new(set)));
        let says = Arc::clone(&set);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let set = says.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Whoever goes away without an answer wanted none.
                let _ = answer(stream, &set).await;
            }
        });
        Ok(Self { address, set, task })
    }

    /// Where he pretends to be the registry.
    pub(super) fn url(&self) -> String {
        format!("http://{}/api/v2/participantMetadata", self.address)
    }

    /// From now on he says this.
    pub(super) fn says(&self, set: Vec<u8>) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = set;
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, set: &[u8]) -> std::io::Result<()> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") && read.len() < LARGEST {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
    let length = set.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/jose+json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(set).await?;
    stream.shutdown().await
}

/// The set with another key in the place of a participant's, under the same id; the signatures stay as they are.
pub(super) fn tampered(set: &[u8], issuer: i64, other: &Value) -> Result<Vec<u8>, Failure> {
    let odd = || Failure::new("the set has another form than the demo knows");
    let mut envelope: Value = serde_json::from_slice(set)?;
    let payload = URL_SAFE_NO_PAD.decode(envelope["payload"].as_str().ok_or_else(odd)?)?;
    let mut participants: Value = serde_json::from_slice(&payload)?;
    let participants_mut = participants.as_array_mut().ok_or_else(odd)?;
    let theirs = participants_mut.iter_mut().find(|one| one["pid"] == issuer).ok_or_else(odd)?;
    let key = theirs.pointer_mut("/authtokenPublicKeys/0").and_then(Value::as_object_mut).ok_or_else(odd)?;
    for coordinate in ["x", "y"] {
        key.insert(coordinate.to_owned(), other[coordinate].clone());
    }
    envelope["payload"] = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&participants)?).into();
    Ok(serde_json::to_vec(&envelope)?)
}
