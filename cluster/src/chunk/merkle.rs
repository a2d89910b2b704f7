//! Merkle trees as RFC 6962, section 2.1, defines them.

use super::Hash;
use super::fields::{chunk_id_bytes, disk_size};
use crate::id::{ChunkId, RecordIndex};

const LEAF_PREFIX: &[u8] = &[0x00];
const NODE_PREFIX: &[u8] = &[0x01];
const LEAF_VERSION: u8 = 1;

/// The hash of a leaf's data.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Hash::of(&[LEAF_PREFIX, data])
}

/// The hash of the leaf of a record: version | recording | stream | chunk | index | plaintext length | SHA-256 of
/// the ciphertext with its tag.
pub fn record_leaf(chunk: &ChunkId, index: RecordIndex, plaintext_bytes: u32, ciphertext: &Hash) -> Hash {
    let identity = chunk_id_bytes(chunk);
    let (object_and_number, _epoch) = identity.split_at(28);
    Hash::of(&[
        LEAF_PREFIX,
        &[LEAF_VERSION],
        object_and_number,
        &index.0.to_be_bytes(),
        &plaintext_bytes.to_be_bytes(),
        &ciphertext.0,
    ])
}

/// The hash of a node over the hashes of its two children.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash::of(&[NODE_PREFIX, &left.0, &right.0])
}

/// Computes a root leaf by leaf, in memory for one hash per level.
#[derive(Debug, Clone, Default)]
pub struct RootBuilder {
    leaves: u64,
    /// The roots of the complete subtrees so far, the largest first: one for each bit set in `leaves`.
    peaks: Vec<Hash>,
}

impl RootBuilder {
    /// Adds the next leaf, given its hash.
    pub fn push(&mut self, leaf: Hash) {
        let merges = self.leaves.trailing_ones();
        let mut peak = leaf;
        for _ in 0..merges {
            let left = self.peaks.pop().expect("a peak stands for each trailing one of the count");
            peak = node_hash(&left, &peak);
        }
        self.peaks.push(peak);
        self.leaves += 1;
    }

    /// How many leaves were added.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root over the leaves so far; SHA-256 of nothing when there are none.
    pub fn root(&self) -> Hash {
        let peaks = self.peaks.iter().rev().copied();
        peaks.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| Hash::of(&[]))
    }
}

impl Extend<Hash> for RootBuilder {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

/// The root over `leaves`, which are leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut builder = RootBuilder::default();
    builder.extend(leaves.iter().copied());
    builder.root()
}

/// The audit path of leaf `index`, nearest sibling first; none when there is no such leaf.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut leaves, mut index, mut path) = (leaves, index, Vec::new());
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        if index < left.len() {
            path.push(root(right));
            leaves = left;
        } else {
            path.push(root(left));
            index -= left.len();
            leaves = right;
        }
    }
    path.reverse();
    Some(path)
}

/// Whether `proof` shows that leaf `index` of `leaves` has the hash `leaf` under `root` (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(root: &Hash, leaves: u64, index: u64, leaf: &Hash, proof: &[Hash]) -> bool {
    if index >= leaves || disk_size(proof.len()) > u64::from(u64::BITS) {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, leaves - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The inputs and roots of the certificate-transparency project's own tests of RFC 6962.
    const INPUTS: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn leaves(count: u32) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    #[test]
    fn roots_are_those_of_rfc_6962() {
        let mut builder = RootBuilder::default();
        assert_eq!(builder.root().to_string(), ROOTS[0]);
        for (input, root) in INPUTS.iter().zip(&ROOTS[1..]) {
            builder.push(leaf_hash(input));
            assert_eq!(builder.root().to_string(), *root);
        }
        assert_eq!(builder.leaves(), 8);
    }

    #[test]
    fn proofs_are_those_of_rfc_6962() {
        let leaves: Vec<Hash> = INPUTS.iter().map(|input| leaf_hash(input)).collect();
        let proof = |index, count| -> Vec<String> {
            let path = inclusion_proof(&leaves[..count], index).unwrap();
            path.iter().map(Hash::to_string).collect()
        };
        assert_eq!(
            proof(0, 8),
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        );
        assert_eq!(proof(2, 3), ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
        assert_eq!(inclusion_proof(&leaves, 8), None);
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_nothing_else() {
        for count in 1..40 {
            let leaves = leaves(count);
            let root = root(&leaves);
            for index in 0..count {
                let at = usize::try_from(index).unwrap();
                let proof = inclusion_proof(&leaves, at).unwrap();
                let other = leaf_hash(b"other");
                let holds = |count, index, leaf, proof: &[Hash]| {
                    verify_inclusion(&root, u64::from(count), u64::from(index), leaf, proof)
                };
                assert!(holds(count, index, &leaves[at], &proof));
                assert!(!holds(count, index, &other, &proof));
                assert!(!holds(count, count, &leaves[at], &proof));
                assert!(!holds(count, index, &leaves[at], &[&proof[..], &[root]].concat()));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!holds(count, index, &leaves[at], shorter));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_proof_holds_for_its_own_place_only(count in 2u32..300, at in any::<prop::sample::Index>()) {
            let leaves = leaves(count);
            let (root, index) = (root(&leaves), at.index(leaves.len()));
            let proof = inclusion_proof(&leaves, index).unwrap();
            for other in 0..leaves.len() {
                let count = u64::from(count);
                let holds = verify_inclusion(&root, count, disk_size(other), &leaves[index], &proof);
                prop_assert_eq!(holds, other == index);
            }
        }
    }
}
