//! What can be tried by hand while everything goes on running.

use serde_json::json;

use super::attacks::Scene;
use super::clients::{INSPECTOR, VALIDATOR};
use super::partner::STATUS;
use crate::cli::demo::federation::FIRST;
use crate::cli::demo::story::Story;
use crate::protocol::wire::AUTH_PATH;

const ABOUT: &str = "Copy a block into another terminal. Ctrl-C, SIGTERM or Enter here ends everything.";

/// Prints the lines.
pub(in crate::cli::demo) fn tell(story: &Story, scene: Scene<'_>) {
    story.close_with("It goes on running", ABOUT);
    let directory = scene.stage.ground.path(FIRST.place).display().to_string().replace('\'', "'\\''");
    // In lines that a terminal of 80 columns does not break.
    let client = |entity: &str| format!("\\\n    --cert {entity}.pem --key {entity}.key \\\n    ");
    let tokens = format!("{}{AUTH_PATH}{VALIDATOR}", scene.services.first);
    let api = format!("{}{STATUS}", scene.partner.url);
    let get = format!("curl -sS --cacert tls/ca.pem {}{tokens}", client(VALIDATOR));
    let token = format!("token=$({get} \\\n    | sed 's/.*\"jwtCompact\":\"\\([^\"]*\\)\".*/\\1/')");
    let call = |entity: &str| {
        format!(
            "curl -sS --cacert ../participant-2/tls/ca.pem {}-H \"X-BoB-AuthToken: $token\" \\\n    {api}",
            client(entity)
        )
    };
    let set = format!("curl -sS --cacert ../registry/server.pem {}", scene.made.registry.set);
    let blocks = [
        ("in the directory of participant 1", vec![format!("cd '{directory}'")]),
        ("a token, which lives three seconds", vec![get]),
        ("a token, and the API of participant 2 at once", vec![token.clone(), call(VALIDATOR)]),
        ("the same token with another certificate", vec![token, call(INSPECTOR)]),
        ("the signed set", vec![set]),
    ];
    for (what, lines) in blocks {
        story.verbatim(&format!("\n# {what}\n{}", lines.join("\n")));
        story.event("try", &json!({"what": what, "lines": lines}));
    }
    story.verbatim("");
    story.event("kept", &json!({"directory": scene.stage.ground.directory().display().to_string()}));
}
