// NOT RUN HERE: see README.md. Runs the .tflite variant of a bundle on LiteRT.
import CoreGraphics
import Foundation
import TensorFlowLite

struct Answer {
    let label: String
    let share: Float
}

/// What it needs of a bundle's edgepress.json.
private struct Manifest: Decodable {
    struct File: Decodable { let path: String }
    struct Part: Decodable { let files: [File] }
    struct Variant: Decodable {
        let format: String
        let parts: [Part]
    }
    struct Crop: Decodable {
        let width: Int
        let height: Int
    }
    struct Preprocessing: Decodable {
        let crop: Crop
        let scale: Float
        let mean: [Float]
        let std: [Float]
    }
    let variants: [Variant]
    let labels: [String]?
    let preprocessing: Preprocessing
}

enum ClassifierError: Error {
    case noModel
    case noPicture
}

/// Not safe for several threads: one interpreter.
final class Classifier {
    private let manifest: Manifest
    private let interpreter: Interpreter

    init(folder: String = "model") throws {
        guard let root = Bundle.main.url(forResource: folder, withExtension: nil) else { throw ClassifierError.noModel }
        let json = try Data(contentsOf: root.appendingPathComponent("edgepress.json"))
        manifest = try JSONDecoder().decode(Manifest.self, from: json)
        guard let file = manifest.variants.first(where: { $0.format == "litert" })?.parts.first?.files.first else {
            throw ClassifierError.noModel
        }
        interpreter = try Interpreter(modelPath: root.appendingPathComponent(file.path).path)
        try interpreter.allocateTensors()
    }

    func classify(_ picture: CGImage) throws -> Answer {
        let values = try prepare(picture)
        try interpreter.copy(values.withUnsafeBytes { Data($0) }, toInputAt: 0)
        try interpreter.invoke()
        let scores = try interpreter.output(at: 0).data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        let most = scores.max() ?? 0
        let powers = scores.map { exp($0 - most) }
        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        let labels = manifest.labels ?? []
        return Answer(
            label: best < labels.count ? labels[best] : String(best),
            share: powers[best] / powers.reduce(0, +)
        )
    }

    /// As edgepress.json says: scaled to cover the crop, its middle, (byte · scale − mean) / std; NHWC.
    private func prepare(_ picture: CGImage) throws -> [Float] {
        let settings = manifest.preprocessing
        let (width, height) = (settings.crop.width, settings.crop.height)
        var pixels = [UInt8](repeating: 0, count: 4 * width * height)
        let drawn = pixels.withUnsafeMutableBytes { bytes -> Bool in
            guard let context = CGContext(
                data: bytes.baseAddress, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width,
                space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue
            ) else { return false }
            let factor = max(
                CGFloat(width) / CGFloat(picture.width),
                CGFloat(height) / CGFloat(picture.height)
            )
            let size = CGSize(width: CGFloat(picture.width) * factor, height: CGFloat(picture.height) * factor)
            context.interpolationQuality = .high
            context.draw(picture, in: CGRect(
                x: (CGFloat(width) - size.width) / 2, y: (CGFloat(height) - size.height) / 2,
                width: size.width, height: size.height
            ))
            return true
        }
        guard drawn else { throw ClassifierError.noPicture }
        return (0..<3 * width * height).map { i in
            let channel = i % 3
            return (Float(pixels[4 * (i / 3) + channel]) * settings.scale - settings.mean[channel]) / settings.std[channel]
        }
    }
}
