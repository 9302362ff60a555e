//! A key that others may know: it is told of nowhere any more as soon as another one signs, and nobody waits for its tokens.

use super::world::{StepError, World};
use crate::store::{KeyNews, KeyState};
use crate::value::Kid;

/// Distrusts every key that is not retired; says which. The next rounds make, publish and activate another one, and
/// withdraw these.
pub async fn distrust<W: World>(world: &W) -> Result<Vec<Kid>, StepError> {
    let mut distrusted = Vec::new();
    for key in world.keys().await? {
        if key.state == KeyState::Retired || key.life.distrusted.is_some() {
            continue;
        }
        match world.note(&key.kid, KeyNews::Distrusted).await {
            Ok(()) => distrusted.push(key.kid),
            Err(error) if error.is_taken() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(distrusted)
}
