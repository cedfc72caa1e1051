"""scikit-learn's transformers that have no operator: for each, why, and what to fit in its place."""

_WEIGHTED_SUMS = "its weighted sums have no operator; fit PCA or TruncatedSVD in its place, whose sums are served in a stated order"
_SOLVED = "it solves a problem of optimization for every row, and the last bits depend on the solver; fit PCA or TruncatedSVD in its place"
_DISTANCES = "it measures each row against rows of the training data or their centers, which no operator does; leave it out"
_RANDOM_FEATURES = "its approximation of a kernel has no operator; fit SplineTransformer or PolynomialFeatures in its place"
_PREDICTIONS = "as a step it passes on what models predict; make it the model, at the end of the pipeline"
_TARGETS = "it is made for targets, not for features; fit OrdinalEncoder or OneHotEncoder in its place"
_IMPUTERS = "it fills in what a model of the other columns predicts; fit SimpleImputer in its place, with add_indicator=True"

REFUSED = {
    "AdditiveChi2Sampler": _RANDOM_FEATURES,
    "BernoulliRBM": "its hidden units have no operator; fit PCA in its place, or an MLP as the model",
    "Birch": _DISTANCES,
    "BisectingKMeans": _DISTANCES,
    "CCA": _WEIGHTED_SUMS,
    "DictVectorizer": "it reads dicts of any keys, but a served row has named features; give it columns, and fit OneHotEncoder on them",
    "DictionaryLearning": _SOLVED,
    "FactorAnalysis": _WEIGHTED_SUMS,
    "FastICA": _WEIGHTED_SUMS,
    "FeatureAgglomeration": "its means over groups of columns have no operator; fit PCA in its place, or a selector",
    "GaussianRandomProjection": _WEIGHTED_SUMS,
    "IncrementalPCA": "its batches leave other components than PCA's; fit PCA in its place",
    "Isomap": _DISTANCES,
    "IsotonicRegression": _PREDICTIONS,
    "IterativeImputer": _IMPUTERS,
    "KMeans": _DISTANCES,
    "KNNImputer": _IMPUTERS,
    "KNeighborsTransformer": _DISTANCES,
    "KernelCenterer": "it reads a kernel between rows, and a served row comes alone; leave it out",
    "KernelPCA": _DISTANCES,
    "LabelBinarizer": _TARGETS,
    "LabelEncoder": _TARGETS,
    "LatentDirichletAllocation": _SOLVED,
    "LinearDiscriminantAnalysis": _PREDICTIONS,
    "LocallyLinearEmbedding": _DISTANCES,
    "MiniBatchDictionaryLearning": _SOLVED,
    "MiniBatchKMeans": _DISTANCES,
    "MiniBatchNMF": _SOLVED,
    "MiniBatchSparsePCA": _SOLVED,
    "MultiLabelBinarizer": _TARGETS,
    "NMF": _SOLVED,
    "NeighborhoodComponentsAnalysis": _WEIGHTED_SUMS,
    "Nystroem": _DISTANCES,
    "PLSCanonical": _WEIGHTED_SUMS,
    "PLSRegression": _WEIGHTED_SUMS,
    "PLSSVD": _WEIGHTED_SUMS,
    "PatchExtractor": "it makes several rows of one image; cut the images before the rows are sent",
    "PolynomialCountSketch": _RANDOM_FEATURES,
    "RBFSampler": _RANDOM_FEATURES,
    "RadiusNeighborsTransformer": _DISTANCES,
    "RandomTreesEmbedding": _PREDICTIONS,
    "SkewedChi2Sampler": _RANDOM_FEATURES,
    "SparseCoder": _SOLVED,
    "SparsePCA": _SOLVED,
    "SparseRandomProjection": _WEIGHTED_SUMS,
    "StackingClassifier": _PREDICTIONS,
    "StackingRegressor": _PREDICTIONS,
    "TSNE": "it has no transform of new rows; fit PCA in its place",
    "VotingClassifier": _PREDICTIONS,
    "VotingRegressor": _PREDICTIONS,
}


def refusal_of(kind):
    """Return the end of the sentence that refuses a class of transformer: why, and the way out."""
    reason = REFUSED.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
    if reason is not None:
        return f": {reason}"
    return (
        ", because its transform is Python that no server has; use scikit-learn's own transformers, or those of plumb_trainer.features "
        "(docs/preprocessing.md lists both)"
    )
