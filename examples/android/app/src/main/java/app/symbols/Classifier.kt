// NOT RUN HERE: see README.md. Runs the .tflite variant of a bundle on LiteRT.
package app.symbols

import android.content.Context
import android.graphics.Bitmap
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import java.io.Closeable
import org.json.JSONArray
import org.json.JSONObject

data class Answer(val label: String, val share: Float)

/** Not safe for several threads: its buffers are used again. */
class Classifier(context: Context, folder: String = "model") : Closeable {
    private val manifest = JSONObject(
        context.assets.open("$folder/edgepress.json").bufferedReader().use { it.readText() },
    )
    private val variant = manifest.getJSONArray("variants").objects().first { it.getString("format") == "litert" }
    private val path = variant.getJSONArray("parts").getJSONObject(0)
        .getJSONArray("files").getJSONObject(0).getString("path")
    private val labels = manifest.optJSONArray("labels")
    private val picture = Preparation(manifest.getJSONObject("preprocessing"))
    private val model = CompiledModel.create(context.assets, "$folder/$path", CompiledModel.Options(Accelerator.CPU))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    fun classify(bitmap: Bitmap): Answer {
        inputs[0].writeFloat(picture.prepare(bitmap))
        model.run(inputs, outputs)
        val shares = softmax(outputs[0].readFloat())
        val best = shares.indices.maxBy { shares[it] }
        return Answer(labels?.optString(best) ?: best.toString(), shares[best])
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
    }
}

/** Pictures as the bundle's edgepress.json says: scaled to cover the crop, its middle, (byte · scale − mean) / std; NHWC. */
private class Preparation(settings: JSONObject) {
    private val crop = settings.getJSONObject("crop")
    private val width = crop.getInt("width")
    private val height = crop.getInt("height")
    private val scale = settings.getDouble("scale").toFloat()
    private val mean = settings.getJSONArray("mean").floats()
    private val std = settings.getJSONArray("std").floats()

    fun prepare(bitmap: Bitmap): FloatArray {
        val factor = maxOf(width.toFloat() / bitmap.width, height.toFloat() / bitmap.height)
        val across = maxOf(width, Math.round(bitmap.width * factor))
        val down = maxOf(height, Math.round(bitmap.height * factor))
        val scaled = Bitmap.createScaledBitmap(bitmap, across, down, true)
        val pixels = IntArray(width * height)
        scaled.getPixels(pixels, 0, width, (across - width) / 2, (down - height) / 2, width, height)
        return FloatArray(3 * pixels.size) { i ->
            val channel = i % 3
            val byte = (pixels[i / 3] shr (16 - 8 * channel)) and 0xff
            (byte * scale - mean[channel]) / std[channel]
        }
    }
}

private fun softmax(scores: FloatArray): FloatArray {
    val most = scores.max()
    val powers = FloatArray(scores.size) { Math.exp((scores[it] - most).toDouble()).toFloat() }
    val sum = powers.sum()
    return FloatArray(scores.size) { powers[it] / sum }
}

private fun JSONArray.objects() = (0 until length()).map { getJSONObject(it) }

private fun JSONArray.floats() = FloatArray(length()) { getDouble(it).toFloat() }
